/* The file of annotations, which its owner may have written: entries are in order, each once, and what was written is read the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/metadata.h"
#include "lib/store/metadata_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
look_at(const struct metadata *d, size_t i)
{
	const struct metadata_entry *e = &d->entries[i];
	struct str value = STR_MOST(METADATA_FILE_MOST), again = STR_MOST(METADATA_FILE_MOST);
	size_t count;
	must(i == 0 || metadata_compare(&d->entries[i - 1], e) < 0);
	must(metadata_name_ok(e->name) && e->owner.guid.len > 0 && !slice_has(e->value, '\n'));
	must(metadata_of(d, e->owner, &count) != NULL && count > 0 && count <= d->count);
	must(metadata_value(&value, e->value) && value.len == metadata_value_size(e->value) && value.len <= e->value.len);
	metadata_escape(&again, str_slice(&value));
	must(!slice_has(str_slice(&again), '\n') && metadata_value_size(str_slice(&again)) == value.len);
	str_clear(&value);
	must(metadata_value(&value, str_slice(&again)));
	str_free(&value);
	str_free(&again);
}

/* What is escaped says the same when it is read. */
static void
there_and_back(struct slice bytes)
{
	struct str escaped = STR_MOST(METADATA_FILE_MOST), back = STR_MOST(METADATA_FILE_MOST);
	metadata_escape(&escaped, bytes);
	must(metadata_value(&back, str_slice(&escaped)) && slice_equal(str_slice(&back), bytes));
	str_free(&escaped);
	str_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metadata d;
	char *text = malloc(size + 1);
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	there_and_back(slice_make(text, size));
	if (!metadata_parse(&d, text, size))
		return 0;
	for (size_t i = 0; i < d.count; i++)
		look_at(&d, i);
	metadata_free(&d);
	return 0;
}
