/* The setting outgoing_limits: what is taken has a login and two numbers, what is not names its line. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/outgoing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outgoing outgoing;
	struct outgoing_state state;
	struct str problem = STR_MOST(512);
	char *text = strndup((const char *)data, size);
	if (outgoing_begin(&outgoing, (struct outgoing_limits){300, 1000}, text, &problem)) {
		for (size_t i = 0; i < outgoing.exception_count; i++) {
			const struct outgoing_exception *e = &outgoing.exceptions[i];
			assert(e->login.len > 0 && e->limits.hour <= UINT32_MAX && e->limits.day <= UINT32_MAX);
			outgoing_count(&outgoing, e->login, 1, 1795694400, &state);
		}
	} else {
		assert(slice_starts(str_slice(&problem), "line "));
	}
	free(outgoing.exceptions);
	free(text);
	str_free(&problem);
	return 0;
}
