/* sources: deliver/request.c */
/*
 * A request to deliver, as postern-lmtp and a worker read it. Both must be of
 * one mind: what postern-lmtp passes on, with another tag in front of what
 * stands behind the first, is a request again, and the same one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct packet first, second;

static bool
same(const struct delivery *a, const struct delivery *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->sender, b->sender) == 0 && strcmp(a->address, b->address) == 0 &&
	    strcmp(a->original, b->original) == 0 && a->offset == b->offset && a->length == b->length && a->message == b->message;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct delivery what, again;
	const char *tag, *tag_again;
	if (size > PACKET_MOST)
		return 0;
	packet_begin(&first, "deliver");
	packet_add_rest(&first, slice_make((const char *)data, size));
	packet_add_descriptor(&first, 1000);
	if (!request_read(&first, &tag, &what)) {
		if (what.message >= 0)
			abort();
		return 0;
	}
	packet_begin(&second, "deliver");
	packet_add_number(&second, 1);
	packet_add_rest(&second, slice_make(what.id, (size_t)(first.data + first.len - what.id)));
	packet_add_descriptor(&second, what.message);
	if (!second.failed && (!request_read(&second, &tag_again, &again) || !same(&what, &again)))
		abort();
	return 0;
}
