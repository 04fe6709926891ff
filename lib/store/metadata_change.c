/* Writing annotations: the file is read under its lock and replaced as a whole. */
#include <errno.h>
#include <stdlib.h>

#include "lib/store/directory.h"
#include "lib/store/dotlock.h"
#include "lib/store/metadata.h"
#include "lib/store/metadata_key.h"

#define LOCK_NAME    METADATA_NAME ".lock"
#define TEMPORARY    METADATA_NAME ".tmp"
#define LOCK_TIMEOUT 10000 /* ms */

struct rewriting {
	struct metadata_owner         owner;
	const struct metadata_change *changes; /* NULL: all that stands under the GUID goes */
	size_t                        count;
	bool                          found;   /* something of the old file goes */
	struct str                    text;
};

static bool
is_changed(const struct rewriting *r, struct slice key)
{
	struct metadata_entry e;
	struct slice rest = key, scope, guid;
	if (r->changes == NULL)
		return slice_split(&rest, '/', &scope) && slice_split(&rest, '/', &guid) && slice_equal(guid, r->owner.guid);
	if (!metadata_key_parse(key, &e) || e.owner.account != r->owner.account || !slice_equal(e.owner.guid, r->owner.guid))
		return false;
	for (size_t i = 0; i < r->count; i++)
		if (r->changes[i].shared == e.shared && slice_equal_nocase(r->changes[i].name, e.name))
			return true;
	return false;
}

static void
keep_others(struct rewriting *r, struct slice old)
{
	struct slice rest = old, key, value;
	while (metadata_next_pair(&rest, &key, &value)) {
		if (is_changed(r, key)) {
			r->found = true;
			continue;
		}
		str_append_slice(&r->text, key);
		str_append_byte(&r->text, '\n');
		str_append_slice(&r->text, value);
		str_append_byte(&r->text, '\n');
	}
}

/* Whether a later change is of the same entry. */
static bool
is_overruled(const struct rewriting *r, size_t i)
{
	for (size_t j = i + 1; j < r->count; j++)
		if (r->changes[j].shared == r->changes[i].shared && slice_equal_nocase(r->changes[j].name, r->changes[i].name))
			return true;
	return false;
}

static void
append_change(struct rewriting *r, const struct metadata_change *c)
{
	str_append_text(&r->text, c->shared ? "shared/" : "priv/");
	str_append_slice(&r->text, r->owner.guid);
	str_append_text(&r->text, r->owner.account ? "/" METADATA_ACCOUNT : "/");
	for (size_t i = 0; i < c->name.len; i++)
		str_append_byte(&r->text, (char)ascii_lower((unsigned char)c->name.data[i]));
	str_append_byte(&r->text, '\n');
	metadata_escape(&r->text, c->value);
	str_append_byte(&r->text, '\n');
}

static bool
changes_ok(const struct metadata_change *changes, size_t count)
{
	errno = EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!metadata_name_ok(changes[i].name) || changes[i].value.len > METADATA_VALUE_MOST)
			return false;
	return true;
}

/* Whether there is something to write. */
static bool
compose(struct rewriting *r, const struct metadata *before)
{
	bool news = false;
	keep_others(r, slice_make(before->text, before->len));
	for (size_t i = 0; i < r->count; i++) {
		if (r->changes[i].value.data == NULL || is_overruled(r, i))
			continue;
		append_change(r, &r->changes[i]);
		news = true;
	}
	return news || r->found;
}

/* The new text becomes `after`, which owns it. */
static bool
take_text(struct rewriting *r, struct metadata *after)
{
	char *text = r->text.data;
	size_t len = r->text.len;
	if (r->text.failed) {
		errno = EDQUOT;
		return false;
	}
	r->text = STR_MOST(0);
	return metadata_parse(after, text, len);
}

/* Under the lock. */
static bool
apply(const struct maildir *m, struct rewriting *r, const struct metadata *before, struct metadata *after)
{
	size_t had, has;
	bool news = compose(r, before);
	if (!take_text(r, after))
		return false;
	metadata_of(before, r->owner, &had);
	metadata_of(after, r->owner, &has);
	errno = E2BIG;
	if (has > METADATA_COUNT_MOST && has > had)
		return false;
	return !news || directory_replace(m->root, TEMPORARY, METADATA_NAME, after->text != NULL ? after->text : "", after->len);
}

static bool
change(const struct maildir *m, struct rewriting *r, struct metadata *before, struct metadata *after)
{
	struct dotlock lock;
	if (!dotlock_take(&lock, m->root, LOCK_NAME, LOCK_TIMEOUT))
		return false;
	bool ok = metadata_read(before, m) && apply(m, r, before, after);
	int saved = errno;
	dotlock_release(&lock);
	str_free(&r->text);
	errno = saved;
	return ok;
}

/* Gives it to the caller, or back. */
static void
hand_over(struct metadata *d, struct metadata *wanted)
{
	int saved = errno;
	if (wanted != NULL)
		*wanted = *d;
	else
		metadata_free(d);
	errno = saved;
}

bool
metadata_set(const struct maildir *m, struct metadata_owner owner, const struct metadata_change *changes, size_t count,
    struct metadata *before, struct metadata *after)
{
	struct rewriting r = {.owner = owner, .changes = changes, .count = count, .text = STR_MOST(METADATA_FILE_MOST)};
	struct metadata old = {.count = 0}, new = {.count = 0};
	bool ok = changes_ok(changes, count) && change(m, &r, &old, &new);
	hand_over(&old, ok ? before : NULL);
	hand_over(&new, ok ? after : NULL);
	return ok;
}

bool
metadata_forget(const struct maildir *m, struct slice guid)
{
	struct metadata d;
	struct metadata_owner owner = {.guid = guid};
	size_t count;
	/* Mostly there is nothing, and then no lock is needed either. */
	if (!metadata_read(&d, m))
		return false;
	metadata_of(&d, owner, &count);
	metadata_free(&d);
	if (count == 0)
		return true;
	struct rewriting r = {.owner = owner, .text = STR_MOST(METADATA_FILE_MOST)};
	struct metadata old = {.count = 0}, new = {.count = 0};
	bool ok = change(m, &r, &old, &new);
	hand_over(&old, NULL);
	hand_over(&new, NULL);
	return ok;
}
