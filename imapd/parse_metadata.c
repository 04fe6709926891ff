#include "imapd/parse_metadata.h"

#include <string.h>

#include "imapd/namespace.h"

#define NO_MEMORY "the command needs too much memory"
#define TOO_MANY  "there are too many entries"

static bool
split_entry(struct slice entry, struct metadata_name *name)
{
	static const struct {
		const char *prefix;
		bool        shared;
	} scopes[] = {{"/private", false}, {"/shared", true}};
	*name = (struct metadata_name){.asked = entry};
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
		struct slice rest = slice_from(entry, strlen(scopes[i].prefix));
		if (!slice_starts_nocase(entry, scopes[i].prefix) || (rest.len > 0 && rest.data[0] != '/'))
			continue;
		name->shared = scopes[i].shared;
		name->name = slice_from(rest, 1);
		return rest.len == 0 || metadata_name_ok(name->name);
	}
	return false;
}

static bool
parse_entry(struct parser *p, struct metadata_name *name)
{
	struct slice entry;
	if (!parse_astring(p, &entry))
		return false;
	return split_entry(entry, name) || parse_fail(p, "this cannot be an entry: /private/... or /shared/..., without * and %");
}

bool
parse_metadata_names(struct parser *p, struct metadata_names *names)
{
	bool list = parse_maybe(p, '(');
	names->count = 0;
	names->names = scratch_take_array(p->scratch, list ? METADATA_NAMES_MOST : 1, sizeof *names->names);
	if (names->names == NULL)
		return parse_fail(p, NO_MEMORY);
	do {
		if (names->count == METADATA_NAMES_MOST)
			return parse_fail(p, TOO_MANY);
		if (!parse_entry(p, &names->names[names->count++]))
			return false;
	} while (list && parse_maybe(p, ' '));
	return !list || parse_byte(p, ')');
}

/* --- GETMETADATA ---------------------------------------------------------------------- */

static bool
parse_depth(struct parser *p, enum metadata_depth *depth)
{
	static const char *const words[] = {"0", "1", "infinity"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parse_word(p, words[i])) {
			*depth = (enum metadata_depth)i;
			return true;
		}
	return parse_fail(p, "DEPTH is 0, 1 or infinity");
}

static bool
parse_option(struct parser *p, struct metadata_request *r)
{
	if (parse_word(p, "DEPTH"))
		return parse_space(p) && parse_depth(p, &r->depth);
	if (!parse_word(p, "MAXSIZE"))
		return parse_fail(p, "the options are MAXSIZE and DEPTH");
	r->limited = true;
	return parse_space(p) && parse_number(p, UINT32_MAX, &r->most);
}

/* "(" and no entry behind it: nothing is taken. */
static bool
options_follow(const struct parser *p)
{
	struct cursor c = p->c;
	if (!cursor_take(&c, '('))
		return false;
	int next = cursor_peek(&c);
	return next != '/' && next != '"' && next != '{';
}

/* With the space behind them. */
static bool
parse_options(struct parser *p, struct metadata_request *r)
{
	if (!options_follow(p))
		return true;
	parse_maybe(p, '(');
	do {
		if (!parse_option(p, r))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_space(p);
}

bool
parse_getmetadata(struct parser *p, struct metadata_request *r)
{
	*r = (struct metadata_request){.depth = METADATA_ITSELF};
	return parse_space(p) && parse_options(p, r) && namespace_take(p, &r->mailbox) && parse_space(p) && parse_options(p, r) &&
	    parse_metadata_names(p, &r->names) && parse_end(p);
}

/* --- SETMETADATA ---------------------------------------------------------------------- */

/* literal8 (RFC 3516): any bytes. */
static bool
parse_binary(struct parser *p, struct slice *value)
{
	uint64_t size;
	bool ok = parse_maybe(p, '~') && parse_maybe(p, '{') && cursor_take_number(&p->c, UINT32_MAX, &size);
	cursor_take(&p->c, '+');
	ok = ok && cursor_take(&p->c, '}') && cursor_take(&p->c, '\r') && cursor_take(&p->c, '\n') && cursor_take_bytes(&p->c, size, value);
	return ok || parse_fail(p, "a literal is broken");
}

/* nstring / literal8 */
static bool
parse_value(struct parser *p, struct slice *value)
{
	return cursor_peek(&p->c) == '~' ? parse_binary(p, value) : parse_nstring(p, value);
}

static bool
parse_change(struct parser *p, struct metadata_change *c)
{
	struct metadata_name name;
	if (!parse_entry(p, &name) || !parse_space(p) || !parse_value(p, &c->value))
		return false;
	c->shared = name.shared;
	c->name = name.name;
	return name.name.len > 0 || parse_fail(p, "an entry's name is missing behind its scope");
}

bool
parse_setmetadata(struct parser *p, struct slice *mailbox, struct metadata_change **changes, size_t *count)
{
	*count = 0;
	*changes = scratch_take_array(p->scratch, METADATA_NAMES_MOST, sizeof **changes);
	if (*changes == NULL)
		return parse_fail(p, NO_MEMORY);
	if (!parse_space(p) || !namespace_take(p, mailbox) || !parse_space(p) || !parse_byte(p, '('))
		return false;
	do {
		if (*count == METADATA_NAMES_MOST)
			return parse_fail(p, TOO_MANY);
		if (!parse_change(p, &(*changes)[(*count)++]))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_end(p);
}
