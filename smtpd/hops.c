#include "smtpd/hops.h"

static const char name[] = "received:";

static void
line_end(struct hops *h)
{
	h->body = h->column == 0;
	h->column = h->matched = 0;
}

static void
one_byte(struct hops *h, int byte)
{
	if (h->matched == h->column && h->column < sizeof name - 1 && ascii_lower(byte) == name[h->column])
		if (++h->matched == sizeof name - 1)
			h->count++;
	h->column++;
}

void
hops_feed(struct hops *h, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len && !h->body; i++) {
		if (bytes.data[i] == '\n')
			line_end(h);
		else if (bytes.data[i] != '\r')
			one_byte(h, (unsigned char)bytes.data[i]);
	}
}
