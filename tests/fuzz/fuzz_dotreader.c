/* The DATA state machine: any bytes, cut anywhere, give the same as in one piece. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/dotreader.h"
#include "smtpd/hops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
feed(struct dotreader *d, struct hops *h, struct slice left, struct str *text)
{
	for (struct slice run; (run = dotreader_run(d, &left)).len > 0;) {
		hops_feed(h, run);
		if (!str_append_slice(text, run))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct slice input = slice_make((const char *)data + 1, size - 1);
	size_t cut = input.len > 0 ? data[0] % (input.len + 1) : 0;
	struct dotreader whole = DOTREADER_START, parts = DOTREADER_START;
	struct hops whole_hops = {.count = 0}, parts_hops = {.count = 0};
	struct str one = STR_MOST(1 << 20), two = STR_MOST(1 << 20);
	feed(&whole, &whole_hops, input, &one);
	feed(&parts, &parts_hops, slice_first(input, cut), &two);
	feed(&parts, &parts_hops, slice_from(input, cut), &two);
	if (whole.state != parts.state || whole.bare != parts.bare || whole_hops.count != parts_hops.count)
		abort();
	if (!slice_equal(str_slice(&one), str_slice(&two)))
		abort();
	/* What is accepted holds CRLF pairs only. */
	for (size_t i = 0; !whole.bare && dotreader_ended(&whole) && i < one.len; i++)
		if ((one.data[i] == '\n') != (i > 0 && one.data[i - 1] == '\r'))
			abort();
	str_free(&one);
	str_free(&two);
	return 0;
}
