/* Reading annotations (metadata.h); metadata_change.c writes them. */
#include "lib/store/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/directory.h"
#include "lib/store/metadata_key.h"

#define ESCAPE '\x01'

static const char escaped[] = "01trn", bytes[] = "\0\x01\t\r\n";

bool
metadata_value(struct str *into, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		char byte = value.data[i];
		const char *known = byte == ESCAPE && i + 1 < value.len ? memchr(escaped, value.data[i + 1], sizeof escaped - 1) : NULL;
		if (known != NULL) {
			byte = bytes[known - escaped];
			i++;
		}
		str_append_byte(into, byte);
	}
	return !into->failed;
}

size_t
metadata_value_size(struct slice value)
{
	size_t size = 0;
	for (size_t i = 0; i < value.len; i++, size++)
		if (value.data[i] == ESCAPE && i + 1 < value.len && memchr(escaped, value.data[i + 1], sizeof escaped - 1) != NULL)
			i++;
	return size;
}

void
metadata_escape(struct str *into, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		const char *known = memchr(bytes, value.data[i], sizeof bytes - 1);
		if (known != NULL)
			str_append_byte(into, ESCAPE);
		str_append_byte(into, known != NULL ? escaped[known - bytes] : value.data[i]);
	}
}

/* --- keys ------------------------------------------------------------------------------ */

bool
metadata_name_ok(struct slice name)
{
	struct slice rest = name, level;
	if (name.len == 0 || name.len > METADATA_ENTRY_MOST || slice_ends(name, "/") || slice_starts_nocase(name, METADATA_HIDDEN))
		return false;
	while (slice_split(&rest, '/', &level))
		if (level.len == 0)
			return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < ' ' || name.data[i] > '~' || name.data[i] == '*' || name.data[i] == '%')
			return false;
	return true;
}

bool
metadata_key_parse(struct slice key, struct metadata_entry *e)
{
	struct slice scope;
	*e = (struct metadata_entry){.shared = false};
	if (!slice_split(&key, '/', &scope) || !slice_split(&key, '/', &e->owner.guid) || e->owner.guid.len == 0)
		return false;
	e->shared = slice_is(scope, "shared");
	if (!e->shared && !slice_is(scope, "priv"))
		return false;
	e->owner.account = slice_starts_nocase(key, METADATA_ACCOUNT);
	e->name = slice_from(key, e->owner.account ? sizeof METADATA_ACCOUNT - 1 : 0);
	return metadata_name_ok(e->name);
}

bool
metadata_next_pair(struct slice *rest, struct slice *key, struct slice *value)
{
	size_t first = slice_find(*rest, '\n');
	struct slice behind = slice_from(*rest, first + 1);
	size_t second = slice_find(behind, '\n');
	if (second == behind.len)
		return false;
	*key = slice_first(*rest, first);
	*value = slice_first(behind, second);
	*rest = slice_from(behind, second + 1);
	return true;
}

/* --- the file ------------------------------------------------------------------------------ */

static int
compare_nocase(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int order = ascii_lower((unsigned char)a.data[i]) - ascii_lower((unsigned char)b.data[i]);
		if (order != 0)
			return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static int
compare_owners(struct metadata_owner a, struct metadata_owner b)
{
	int order = slice_compare(a.guid, b.guid);
	return order != 0 ? order : (int)a.account - (int)b.account;
}

int
metadata_compare(const void *a, const void *b)
{
	const struct metadata_entry *x = a, *y = b;
	int order = compare_owners(x->owner, y->owner);
	if (order == 0)
		order = (int)x->shared - (int)y->shared;
	return order != 0 ? order : compare_nocase(x->name, y->name);
}

/* The same, and of one name the one that stands later in the file first. */
static int
compare_places(const void *a, const void *b)
{
	const struct metadata_entry *x = a, *y = b;
	int order = metadata_compare(a, b);
	return order != 0 ? order : (x->name.data < y->name.data) - (x->name.data > y->name.data);
}

static void
sort_once(struct metadata *d)
{
	size_t kept = 0;
	if (d->count > 1)
		qsort(d->entries, d->count, sizeof *d->entries, compare_places);
	for (size_t i = 0; i < d->count; i++)
		if (kept == 0 || metadata_compare(&d->entries[kept - 1], &d->entries[i]) != 0)
			d->entries[kept++] = d->entries[i];
	d->count = kept;
}

/* A file of empty lines has a million pairs and nothing to keep. */
static size_t
count_entries(struct slice text)
{
	struct slice key, value;
	struct metadata_entry e;
	size_t count = 0;
	while (metadata_next_pair(&text, &key, &value))
		count += metadata_key_parse(key, &e);
	return count;
}

bool
metadata_parse(struct metadata *d, char *text, size_t len)
{
	struct slice rest = slice_make(text, len), key, value;
	struct metadata_entry e;
	*d = (struct metadata){.text = text, .len = len};
	size_t most = count_entries(rest);
	d->entries = most > 0 ? calloc(most, sizeof *d->entries) : NULL;
	if (most > 0 && d->entries == NULL) {
		metadata_free(d);
		errno = ENOMEM;
		return false;
	}
	while (metadata_next_pair(&rest, &key, &value)) {
		if (!metadata_key_parse(key, &e))
			continue;
		e.value = value;
		d->entries[d->count++] = e;
	}
	sort_once(d);
	return true;
}

bool
metadata_read(struct metadata *d, const struct maildir *m)
{
	size_t len = 0;
	*d = (struct metadata){.count = 0};
	char *text = directory_read_file(m->root, METADATA_NAME, METADATA_FILE_MOST, &len);
	if (text == NULL)
		return errno == ENOENT;
	return metadata_parse(d, text, len);
}

void
metadata_free(struct metadata *d)
{
	free(d->text);
	free(d->entries);
	*d = (struct metadata){.count = 0};
}

const struct metadata_entry *
metadata_of(const struct metadata *d, struct metadata_owner owner, size_t *count)
{
	size_t low = 0, high = d->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_owners(d->entries[middle].owner, owner) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < d->count && compare_owners(d->entries[low + *count].owner, owner) == 0;)
		++*count;
	return *count > 0 ? d->entries + low : NULL;
}
