#include "authd/local_aliases.h"

static int64_t
take(void *context, struct slice text, struct str *problem)
{
	struct local_aliases *a = context;
	struct local_aliases_table fresh = {.count = 0};
	if (!local_aliases_parse(&fresh, a->file.path, text, problem)) {
		local_aliases_free(&fresh);
		return -1;
	}
	local_aliases_free(&a->table);
	a->table = fresh;
	return (int64_t)fresh.count;
}

void
local_aliases_begin(struct local_aliases *a, const char *path)
{
	a->file = (struct watched_file){.path = path, .setting = "local_aliases", .read = "local-aliases-read",
	    .unreadable = "local-aliases-unreadable", .until = "until it can be read this host's names are answered with later",
	    .take = take, .context = a};
}

void
local_aliases_refresh(struct local_aliases *a)
{
	watched_file_refresh(&a->file);
}

static int
compare(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = 0;
	for (size_t i = 0; i < len && order == 0; i++)
		order = (unsigned char)a.data[i] - ascii_lower((unsigned char)b.data[i]);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

enum fact_state
local_aliases_find(const struct local_aliases *a, struct slice name, struct slice *targets)
{
	*targets = slice_of("");
	if (a->file.path[0] == '\0')
		return FACT_NONE;
	if (!a->file.ready)
		return FACT_LATER;
	const struct local_aliases_table *t = &a->table;
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct local_alias *one = &t->aliases[middle];
		int order = compare(slice_make(t->text.data + one->name, one->name_len), name);
		if (order == 0) {
			*targets = slice_make(t->text.data + one->targets, one->targets_len);
			return one->targets_len > 0 ? FACT_FOUND : FACT_LATER;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FACT_NONE;
}
