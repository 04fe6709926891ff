/*
 * The text of an aliases file: a logical line is a name, a colon, and values between
 * commas; what is an address among them is read as a header's would be.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/local_aliases.h"
#include "authd/logical_lines.h"
#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "lib/mail/list.h"

struct reader {
	struct local_aliases_table *table;
	const char                 *path;
	struct str                 *problem;
	struct logical_lines        lines;
	size_t                      told;
};

static bool
fail(struct reader *r, size_t line, const char *what)
{
	if (line > 0)
		str_append_format(r->problem, "line %zu: ", line);
	str_append_text(r->problem, what);
	return false;
}

static void
warn(struct reader *r, struct slice name, struct slice value, const char *reason)
{
	if (r->told++ < LOCAL_ALIASES_TOLD)
		log_warning("local-alias-refused", log_text("file", r->path), log_number("line", (int64_t)r->lines.number),
		    log_slice("name", name), log_slice(value.len > 0 ? "target" : NULL, value), log_text("reason", reason),
		    log_text("hint", "it is left out, the rest of the file is in use"));
}

/* --- values --------------------------------------------------------------------------- */

/* Up to the next comma that is not in quotes, a comment or angle brackets. */
static struct slice
take_value(struct slice *rest)
{
	size_t len = 0, depth = 0;
	bool quoted = false;
	for (; len < rest->len; len++) {
		char byte = rest->data[len];
		if (byte == '\\')
			len++;
		else if (byte == '"' && depth == 0)
			quoted = !quoted;
		else if (!quoted && (byte == '(' || byte == '<'))
			depth++;
		else if (!quoted && (byte == ')' || byte == '>'))
			depth -= depth > 0;
		else if (!quoted && depth == 0 && byte == ',')
			break;
	}
	struct slice value = slice_trim(slice_first(*rest, len));
	*rest = slice_from(*rest, len + 1);
	return value;
}

/* Why a value is none that we follow; NULL: it should be an address. */
static const char *
foreign_kind(struct slice value)
{
	bool quoted = slice_starts(value, "\"") && slice_ends(value, "\"");
	struct slice bare = slice_trim(quoted ? slice_from(value, 1) : value);
	if (slice_starts(bare, "|"))
		return "a file may not name a program to be run";
	if (slice_starts(bare, "/"))
		return "mail is not appended to files";
	if (slice_starts_nocase(bare, ":include:"))
		return "lists in other files are not read: write the addresses here";
	return NULL;
}

static bool
has_target(const struct reader *r, const struct local_alias *a)
{
	return r->table->text.len > a->targets;
}

static bool
put_address(struct reader *r, const struct local_alias *a, const struct mailbox *m)
{
	struct str written = STR_MOST(4 * ADDRESS_PATH_MOST);
	struct address address;
	enum address_result result = ADDRESS_WRONG;
	if (m->kind == MAILBOX_ADDRESS && address_print(&written, m->local, m->domain))
		result = address_parse(str_slice(&written), ADDRESS_NO_DOMAIN | ADDRESS_UTF8, &address);
	str_free(&written);
	if (result != ADDRESS_OK && result != ADDRESS_LOCAL_LONG)
		return false;
	if (has_target(r, a))
		str_append_byte(&r->table->text, ',');
	str_append_slice(&r->table->text, address_text(&address));
	return true;
}

static void
put_value(struct reader *r, const struct local_alias *a, struct slice name, struct slice value)
{
	const char *reason = foreign_kind(value);
	if (reason != NULL) {
		warn(r, name, value, reason);
		return;
	}
	/* "\ann": ann herself, whatever her alias says. An alias that names itself is not followed again here anyway. */
	struct mailbox_list list;
	struct mailbox m;
	bool ok = true;
	size_t count = 0;
	mailbox_list_begin(&list, slice_starts(value, "\\") ? slice_from(value, 1) : value);
	while (mailbox_list_next(&list, &m)) {
		/* Of a group its members. */
		if (m.kind == MAILBOX_GROUP_START || m.kind == MAILBOX_GROUP_END)
			continue;
		ok = put_address(r, a, &m) && ok;
		count++;
	}
	mailbox_list_end(&list);
	if (!ok || count == 0)
		warn(r, name, value, "it is not an address");
}

/* --- names ----------------------------------------------------------------------------- */

static bool
is_not_colon(int byte)
{
	return byte != ':';
}

/* "ann", or "\"a b\"" for what is between the quotes; `c` stands at what follows. */
static bool
take_name(struct cursor *c, struct str *name)
{
	if (!cursor_take(c, '"'))
		return str_append_slice(name, slice_trim(cursor_take_while(c, is_not_colon)));
	for (;;) {
		int byte = cursor_next(c);
		if (byte == '"')
			return true;
		if (byte == '\\')
			byte = cursor_next(c);
		if (byte == CURSOR_END || !str_append_byte(name, (char)byte))
			return false;
	}
}

/* The canonical form in lower case. */
static bool
put_name(struct reader *r, struct local_alias *a, struct slice name)
{
	struct str written = STR_MOST(4 * ADDRESS_PATH_MOST);
	struct address address;
	bool ok = name.len > 0 && address_print(&written, name, slice_of(""));
	enum address_result result = ADDRESS_WRONG;
	if (ok)
		result = address_parse(str_slice(&written), ADDRESS_NO_DOMAIN | ADDRESS_UTF8, &address);
	str_free(&written);
	if ((result != ADDRESS_OK && result != ADDRESS_LOCAL_LONG) || address.domain_len > 0)
		return false;
	a->name = r->table->text.len;
	a->name_len = address.text_len;
	return address_append_lower(&r->table->text, address_text(&address));
}

static struct local_alias *
add(struct reader *r)
{
	struct local_aliases_table *t = r->table;
	if (t->count == t->room) {
		size_t room = t->room > 0 ? 2 * t->room : 64;
		struct local_alias *more = reallocarray(t->aliases, room, sizeof *more);
		if (more == NULL)
			return NULL;
		t->aliases = more;
		t->room = room;
	}
	t->aliases[t->count] = (struct local_alias){.line = r->lines.number};
	return &t->aliases[t->count];
}

/* --- lines ------------------------------------------------------------------------------ */

static bool
put_alias(struct reader *r, struct slice name, struct slice values)
{
	struct local_alias *a = add(r);
	if (a == NULL)
		return fail(r, 0, "no memory");
	if (r->table->count == LOCAL_ALIASES_NAMES)
		return fail(r, r->lines.number, "too many names");
	if (!put_name(r, a, name))
		return fail(r, r->lines.number, "what stands before the colon is not a name");
	a->targets = r->table->text.len;
	while (values.len > 0) {
		struct slice value = take_value(&values);
		if (value.len > 0)
			put_value(r, a, name, value);
	}
	a->targets_len = r->table->text.len - a->targets;
	r->table->count++;
	if (a->targets_len == 0)
		warn(r, name, slice_of(""), "no target is left; its mail is answered with later");
	return !r->table->text.failed || fail(r, r->lines.number, "the table grows too large");
}

static bool
take_line(struct reader *r)
{
	struct str name = STR_MOST(4 * ADDRESS_PATH_MOST);
	struct cursor c = cursor_over(str_slice(&r->lines.line));
	bool quoted = cursor_peek(&c) == '"', named = take_name(&c, &name), ok = true;
	cursor_skip_spaces(&c);
	if (!named || !cursor_take(&c, ':'))
		ok = fail(r, r->lines.number, "a line must be: name: target, target");
	else if (!quoted && slice_has(str_slice(&name), '@'))
		warn(r, str_slice(&name), slice_of(""),
		    "a name with a domain is not one of this host: it belongs into the tables of aliases");
	else
		ok = put_alias(r, str_slice(&name), c.rest);
	str_free(&name);
	return ok;
}

static bool
take_lines(struct reader *r, struct slice text)
{
	bool ok = true;
	logical_lines_begin(&r->lines, text);
	while (ok && logical_lines_next(&r->lines))
		ok = take_line(r);
	if (ok && r->lines.wrong != NULL)
		ok = fail(r, r->lines.number, r->lines.wrong);
	logical_lines_end(&r->lines);
	return ok;
}


/* --- the table ---------------------------------------------------------------------------- */

static int
by_name_and_line(const void *x, const void *y, void *text)
{
	const struct local_alias *a = x, *b = y;
	const char *base = text;
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(base + a->name, base + b->name, len);
	if (order != 0)
		return order;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len ? -1 : 1;
	return a->line < b->line ? -1 : 1;
}

/* Of several lines for one name the first counts, as postalias(1) has it. */
static void
keep_first(struct reader *r)
{
	struct local_aliases_table *t = r->table;
	size_t kept = 0;
	for (size_t i = 0; i < t->count; i++) {
		struct slice name = slice_make(t->text.data + t->aliases[i].name, t->aliases[i].name_len);
		const struct local_alias *last = kept > 0 ? &t->aliases[kept - 1] : NULL;
		if (last != NULL && slice_equal(slice_make(t->text.data + last->name, last->name_len), name)) {
			r->lines.number = t->aliases[i].line;
			warn(r, name, slice_of(""), "the name stands in the file before: the first line counts");
			continue;
		}
		t->aliases[kept++] = t->aliases[i];
	}
	t->count = kept;
}

bool
local_aliases_parse(struct local_aliases_table *t, const char *path, struct slice text, struct str *problem)
{
	/* Quotes may be added to what the file holds. */
	*t = (struct local_aliases_table){.text = STR_MOST(4 * LOCAL_ALIASES_BYTES)};
	struct reader r = {.table = t, .path = path, .problem = problem};
	bool ok = text.len <= LOCAL_ALIASES_BYTES || fail(&r, 0, "it is longer than 4 MiB");
	ok = ok && (!slice_has(text, '\0') || fail(&r, 0, "it holds a NUL byte"));
	ok = ok && take_lines(&r, text);
	if (!ok)
		return false;
	if (t->count > 0)
		qsort_r(t->aliases, t->count, sizeof *t->aliases, by_name_and_line, t->text.data);
	keep_first(&r);
	if (r.told > LOCAL_ALIASES_TOLD)
		log_warning("local-aliases-refused", log_text("file", path),
		    log_number("more", (int64_t)(r.told - LOCAL_ALIASES_TOLD)),
		    log_text("hint", "more targets and names are left out than are told here"));
	return true;
}

void
local_aliases_free(struct local_aliases_table *t)
{
	free(t->aliases);
	str_free(&t->text);
	*t = (struct local_aliases_table){.count = 0};
}
