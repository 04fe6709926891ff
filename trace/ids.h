/* A set of ids: sorted, each once. */
#ifndef TRACE_IDS_H
#define TRACE_IDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

#define ID_MOST 32 /* longer texts are no ids of the suite */

struct ids {
	char (*data)[ID_MOST];
	size_t count, room;
};

bool ids_have(const struct ids *ids, struct slice id);
/* True when it was not there before. Ends the program when there is no memory. */
bool ids_add(struct ids *ids, struct slice id);
/* Letters and digits, not too many. */
bool is_id(struct slice text);

#endif
