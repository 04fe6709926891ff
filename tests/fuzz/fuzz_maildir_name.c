/* Names of message files and of folders: what is built from a parsed name is parsed again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/folders.h"
#include "lib/store/name.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check_message(struct slice name)
{
	struct name_parts parts, again;
	char built[NAME_MOST + 1];
	if (!name_parse(name, &parts))
		return;
	must(parts.base.len > 0 && parts.base.len <= NAME_MOST && !slice_has(parts.base, ':'));
	if (!name_build(built, parts.base, parts.info, parts.flags, parts.keywords))
		return;
	must(strlen(built) <= NAME_MOST && name_parse(slice_of(built), &again));
	must(slice_equal(parts.base, again.base) && parts.flags == again.flags && parts.keywords == again.keywords);
	must(parts.has_size == again.has_size && parts.size == again.size && parts.wire_size == again.wire_size);
	/* No flag at all, and all of them. */
	must(name_build(built, parts.base, slice_make(NULL, 0), 0, 0) == (parts.base.len + 3 <= NAME_MOST));
	if (name_build(built, parts.base, parts.info, 0x3f, 0x3ffffff)) {
		must(name_parse(slice_of(built), &again) && again.flags == 0x3f && again.keywords == 0x3ffffff);
		must(slice_equal(parts.base, again.base));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice name = slice_make((const char *)data, size);
	/* A directory entry holds neither. */
	if (!slice_has(name, '\0') && !slice_has(name, '/'))
		check_message(name);
	if (folders_name_ok(name)) {
		must(name.len <= FOLDER_NAME_MOST && !slice_has(name, '/') && !slice_has(name, '\0'));
		must(name.data[0] != '.' && name.data[name.len - 1] != '.');
	}
	return 0;
}
