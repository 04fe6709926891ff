#include "imapd/special_use.h"

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/store/folders.h"
#include "lib/store/utf7.h"

/* Those of the RFC that are folders and no views of other folders. */
static const char *const attributes[SPECIAL_USES] = {"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"};

static struct {
	struct str  name;
	const char *attribute;
} folders[SPECIAL_USE_MOST];
static size_t count;

const char *
special_use_find(struct slice word)
{
	for (size_t i = 0; i < SPECIAL_USES; i++)
		if (slice_is_nocase(word, attributes[i]))
			return attributes[i];
	return NULL;
}

/* "Sent Messages \Sent" */
static bool
add(struct slice entry)
{
	size_t at = slice_find_last(entry, '\\');
	if (at == entry.len || count == SPECIAL_USE_MOST)
		return false;
	struct str *name = &folders[count].name;
	*name = STR_MOST(FOLDER_NAME_MOST);
	folders[count].attribute = special_use_find(slice_from(entry, at));
	if (folders[count].attribute != NULL && utf7_from_utf8(name, slice_trim(slice_first(entry, at))) &&
	    folders_name_ok(str_slice(name))) {
		count++;
		return true;
	}
	str_free(name);
	return false;
}

bool
special_use_read(struct slice text)
{
	struct slice line, entry;
	while (slice_split(&text, '\n', &line))
		while (slice_split(&line, ',', &entry)) {
			entry = slice_trim(entry);
			if (entry.len == 0 || add(entry))
				continue;
			log_error("setting-wrong", log_text("setting", "special_folders"), log_slice("value", entry),
			    log_text("hint", "at most 32, such as: Drafts \\Drafts, Sent \\Sent, Spam \\Junk, Trash \\Trash, Archive \\Archive"));
			return false;
		}
	return true;
}

/* Whether the user has made a folder for this, and whether it is this one. */
static bool
is_own(const struct uses *own, const char *attribute, struct slice wanted, bool *this_one)
{
	struct slice rest = slice_make(own->text, own->len), use, name;
	bool any = false;
	*this_one = false;
	while (uses_next(&rest, &use, &name)) {
		if (!slice_is_nocase(use, attribute))
			continue;
		any = true;
		*this_one = *this_one || slice_equal(name, wanted);
	}
	return any;
}

static bool
is_set(const char *attribute, struct slice name)
{
	bool set = false;
	for (size_t i = 0; i < count && !set; i++)
		set = folders[i].attribute == attribute && slice_equal(str_slice(&folders[i].name), name);
	return set;
}

size_t
special_use_list(const struct uses *own, struct slice name, const char *list[SPECIAL_USES])
{
	size_t found = 0;
	for (size_t i = 0; i < SPECIAL_USES; i++) {
		bool this_one, any = is_own(own, attributes[i], name, &this_one);
		if (this_one || (!any && is_set(attributes[i], name)))
			list[found++] = attributes[i];
	}
	return found;
}
