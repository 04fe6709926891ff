/* Courier's files: `:list`, the names beside it, subscriptions. What is taken is a part of the text, and a folder's name is one. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/store/courier.h"
#include "lib/store/folders.h"
#include "lib/store/utf7.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check_list(struct slice text)
{
	static struct courier_list l;
	struct slice base, numbers;
	size_t number;
	if (!courier_parse_list(&l, text))
		return;
	must(l.count <= COURIER_NAMES_MOST);
	for (size_t i = 0; i < l.count; i++)
		must(l.names[i].len > 0 && !slice_has(l.names[i], '\n'));
	while (courier_next_message(&l.messages, &base, &numbers)) {
		must(base.len > 0 && !slice_has(base, '\n') && !slice_has(base, ':'));
		while (courier_next_number(&l, &numbers, &number))
			must(number < l.count);
	}
}

static void
check_name(struct slice text)
{
	struct str name = STR_MOST(FOLDER_NAME_MOST);
	struct slice base;
	uint64_t generation;
	if (courier_folder_name(text, &name))
		must(folders_is_inbox(str_slice(&name)) || folders_name_ok(str_slice(&name)));
	str_clear(&name);
	if (utf7_from_utf8(&name, text))
		must(utf7_ok(str_slice(&name)));
	str_free(&name);
	if (courier_parse_file_name(text, &base, &generation))
		must(base.len > 0 && base.data[0] != '.' && base.len <= text.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	check_list(text);
	check_name(text);
	return 0;
}
