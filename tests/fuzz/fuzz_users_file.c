/* The text of embedded users, line by line. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/users_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	for (struct slice line; slice_split(&text, '\n', &line);) {
		struct users_line l = users_line_parse(line);
		if (l.kind == USERS_USER)
			assert(users_address_ok(l.address, false) && l.hash.len > 0);
		if (l.kind == USERS_ALIAS)
			assert(users_address_ok(l.address, true) && l.targets.len > 0);
		if (l.kind == USERS_WRONG)
			assert(l.problem != NULL);
	}
	return 0;
}
