/*
 * Courier's files: `:list`, the names beside it, subscriptions, UIDs of IMAP (version 1 of Dovecot's list) and of POP3. What is taken
 * is a part of the text, a folder's name is one, and a UIDL is of visible ASCII.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/store/courier.h"
#include "lib/store/folders.h"
#include "lib/store/uidlist.h"
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

static void
check_size(struct slice text)
{
	struct str uidl = STR_MOST(3 * text.len + 64);
	struct slice line, base;
	while (slice_split(&text, '\n', &line)) {
		str_clear(&uidl);
		if (!courier_parse_size(line, &base, &uidl))
			continue;
		must(base.len > 0 && base.len < line.len && base.data == line.data && uidl.len > 0);
		for (size_t i = 0; i < uidl.len; i++)
			must(uidl.data[i] > ' ' && uidl.data[i] <= '~');
	}
	str_free(&uidl);
}

static void
check_uids(struct slice text)
{
	struct uidlist l;
	struct uid_entry e;
	uint32_t last = 0;
	if (!slice_starts(text, "1 ") || !uidlist_parse(&l, text))
		return;
	must(l.uidvalidity > 0 && l.uidnext > 0);
	for (struct slice rest = l.body; uidlist_next(&rest, &e); last = e.uid)
		must(e.uid > last && e.uid < l.uidnext && e.base.len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	check_list(text);
	check_name(text);
	check_size(text);
	check_uids(text);
	return 0;
}
