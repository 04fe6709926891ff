#include "deliver/request.h"

#include <string.h>

bool
request_read(struct packet *p, const char **tag, struct delivery *what)
{
	*what = (struct delivery){.message = -1, .length = UINT64_MAX};
	if (strcmp(packet_verb(p), "deliver") != 0)
		return false;
	*tag = packet_field(p);
	what->id = packet_field(p);
	what->sender = packet_field(p);
	what->address = what->final = packet_field(p);
	what->original = packet_field(p);
	if (what->original == NULL || !packet_field_number(p, INT64_MAX, &what->offset))
		return false;
	if (packet_rest(p).len > 0 && !packet_field_number(p, INT64_MAX, &what->length))
		return false;
	what->message = packet_take_descriptor(p);
	return what->message >= 0;
}
