/* Header fields follow each other without a gap, and nothing unfolded holds a line end. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/header.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = slice_make((const char *)data, size);
	struct header_reader r;
	struct header_field f;
	struct str s = STR_MOST(size);
	size_t end = 0;
	header_begin(&r, message);
	while (header_next(&r, &f)) {
		must(f.start == end && f.end > end && f.end <= size);
		end = f.end;
		str_clear(&s);
		must(header_unfold(&s, f.value));
		must(!slice_has(str_slice(&s), '\n') && !slice_has(str_slice(&s), '\r') && !slice_has(str_slice(&s), '\0'));
	}
	must(header_body(&r) >= end && header_body(&r) <= size);
	must(header_body(&r) == header_end(message));
	str_free(&s);
	return 0;
}
