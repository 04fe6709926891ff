#include "lib/mail/list.h"

#include <string.h>

#include "lib/mail/budget.h"

/*
 * While words are read it is not known yet whether they are a display name, a
 * group's name or a local part: that is decided by what stops them. So they are
 * collected as all of these at once.
 */
struct spec {
	bool at;     /* an @ was seen: words belong to the domain */
	bool broken; /* cannot be an address */
	bool word;   /* the last token was a word: the next must be a dot or @ */
};

static bool
is_space(int c)
{
	return (c >= 0 && c <= ' ') || c == 0x7f;
}

/* Tables, since each byte of every address is asked of. */
static const bool ends_word[256] = {['('] = true, [')'] = true, ['<'] = true, ['>'] = true, ['['] = true, [']'] = true,
    [':'] = true, [';'] = true, ['@'] = true, ['\\'] = true, [','] = true, ['.'] = true, ['"'] = true};

static bool
is_word_byte(int c)
{
	return !is_space(c) && !ends_word[(unsigned char)c];
}

/* A byte of quoted text or a comment: folds vanish, other controls become spaces. */
static void
put_text_byte(struct str *into, int byte)
{
	if (byte == '\r' || byte == '\n')
		return;
	str_append_byte(into, is_space(byte) ? ' ' : (char)byte);
}

/* Behind its opening parenthesis. The last comment is kept: it may be the name of "a@b (name)". */
static void
take_comment(struct mailbox_list *l)
{
	size_t depth = 1;
	str_clear(&l->comment);
	for (;;) {
		int byte = cursor_next(&l->text);
		if (byte == CURSOR_END)
			return;
		if (byte == '(')
			depth++;
		else if (byte == ')' && --depth == 0)
			return;
		else if (byte == '\\')
			byte = cursor_next(&l->text);
		if (byte != CURSOR_END)
			put_text_byte(&l->comment, byte);
	}
}

/* White space and comments. True when there was some. */
static bool
skip_blank(struct mailbox_list *l)
{
	size_t before = l->text.rest.len;
	for (;;) {
		cursor_take_while(&l->text, is_space);
		if (!cursor_take(&l->text, '('))
			return l->text.rest.len < before;
		take_comment(l);
	}
}

/* Behind the opening quote. False when there is no closing one. */
static bool
take_quoted(struct mailbox_list *l, struct str *into)
{
	for (;;) {
		int byte = cursor_next(&l->text);
		if (byte == '"' || byte == CURSOR_END)
			return byte == '"';
		if (byte == '\\')
			byte = cursor_next(&l->text);
		if (byte != CURSOR_END)
			put_text_byte(into, byte);
	}
}

/* A word of the address: into the local part or the domain. */
static void
put_word(struct mailbox_list *l, struct spec *s, struct slice word, bool quoted)
{
	if (s->word || (s->at && quoted))
		s->broken = true;
	str_append_slice(s->at ? &l->domain : &l->local, word);
	s->word = true;
}

/* Takes one token that is a word, a quoted text, a literal, a dot or an @. False when another comes next. */
static bool
take_token(struct mailbox_list *l, struct spec *s)
{
	size_t before = l->name.len;
	struct cursor *c = &l->text;
	int byte = cursor_peek(c);
	if (byte == CURSOR_END || strchr("()<>]:;\\,", byte) != NULL)
		return false;
	if (byte == '.' || byte == '@') {
		cursor_next(c);
		str_append_byte(&l->name, (char)byte);
		if (byte == '.')
			str_append_byte(s->at ? &l->domain : &l->local, '.');
		s->broken = s->broken || (byte == '@' && s->at);
		s->at = s->at || byte == '@';
		s->word = false;
		return true;
	}
	bool quoted = cursor_take(c, '"');
	if (quoted) {
		s->broken = !take_quoted(l, &l->name) || s->broken;
	} else if (byte == '[') {
		size_t len = slice_find(c->rest, ']');
		struct slice literal = slice_first(c->rest, len + 1);
		s->broken = s->broken || !s->at;
		c->rest = slice_from(c->rest, literal.len);
		for (size_t i = 0; i < literal.len; i++)
			put_text_byte(&l->name, (unsigned char)literal.data[i]);
	} else {
		str_append_slice(&l->name, cursor_take_while(c, is_word_byte));
	}
	put_word(l, s, slice_from(str_slice(&l->name), before), quoted);
	return true;
}

/* Words until something else comes; that stays. */
static void
take_words(struct mailbox_list *l, struct spec *s)
{
	*s = (struct spec){.at = false};
	str_clear(&l->name);
	str_clear(&l->local);
	str_clear(&l->domain);
	skip_blank(l);
	while (take_token(l, s))
		if (skip_blank(l) && l->name.len > 0)
			str_append_byte(&l->name, ' ');
	while (l->name.len > 0 && l->name.data[l->name.len - 1] == ' ')
		str_truncate(&l->name, l->name.len - 1);
}

static bool
is_address(const struct mailbox_list *l, const struct spec *s)
{
	return !s->broken && l->local.len > 0 && (!s->at || l->domain.len > 0);
}

static bool
is_route_byte(int c)
{
	return !is_space(c) && strchr("<>:;()\"", c) == NULL;
}

/* "@a,@b:" in front of an address. */
static bool
take_route(struct mailbox_list *l)
{
	skip_blank(l);
	if (cursor_peek(&l->text) != '@')
		return true;
	do
		str_append_slice(&l->route, cursor_take_while(&l->text, is_route_byte));
	while (skip_blank(l));
	return cursor_take(&l->text, ':');
}

/* Up to the comma or semicolon that ends this one; what stands before it is not understood. */
static void
skip_rest(struct mailbox_list *l)
{
	for (;;) {
		skip_blank(l);
		int byte = cursor_peek(&l->text);
		if (byte == CURSOR_END || byte == ',' || (byte == ';' && l->in_group))
			return;
		cursor_next(&l->text);
		if (byte == '"')
			take_quoted(l, &l->comment);
	}
}

/* Behind "<": the name is in l->name and is kept in place while the address is read. */
static enum mailbox_kind
take_angle(struct mailbox_list *l)
{
	struct spec s;
	struct str name = l->name;
	l->name = STR_MOST(name.limit);
	bool ok = take_route(l);
	take_words(l, &s);
	ok = ok && cursor_take(&l->text, '>') && is_address(l, &s);
	skip_rest(l);
	name.failed = name.failed || l->name.failed;
	str_free(&l->name);
	l->name = name;
	return ok ? MAILBOX_ADDRESS : MAILBOX_BROKEN;
}

static enum mailbox_kind
take_mailbox(struct mailbox_list *l)
{
	struct spec s;
	str_clear(&l->comment);
	str_clear(&l->route);
	take_words(l, &s);
	if (cursor_take(&l->text, '<'))
		return take_angle(l);
	if (cursor_peek(&l->text) == ':' && !l->in_group && !s.at) {
		cursor_next(&l->text);
		l->in_group = true;
		return MAILBOX_GROUP_START;
	}
	int byte = cursor_peek(&l->text);
	bool ended = byte == CURSOR_END || byte == ',' || byte == ';';
	skip_rest(l);
	if (!ended || !is_address(l, &s))
		return MAILBOX_BROKEN;
	str_set(&l->name, str_slice(&l->comment));
	return MAILBOX_ADDRESS;
}

static bool
has_failed(const struct mailbox_list *l)
{
	return l->name.failed || l->comment.failed || l->route.failed || l->local.failed || l->domain.failed;
}

/* Skips empty elements. True when a mailbox or the end of a group comes next. */
static bool
find_next(struct mailbox_list *l)
{
	do
		skip_blank(l);
	while (cursor_take(&l->text, ',') || (!l->in_group && cursor_take(&l->text, ';')));
	return !cursor_at_end(&l->text) || l->in_group;
}

void
mailbox_list_begin(struct mailbox_list *l, struct slice value)
{
	/* No part is longer than the whole but for the spaces between words, of which none is made where none was. */
	struct str empty = STR_MOST(value.len);
	*l = (struct mailbox_list){.text = cursor_over(value),
	    .name = empty, .comment = empty, .route = empty, .local = empty, .domain = empty};
}

bool
mailbox_list_next(struct mailbox_list *l, struct mailbox *m)
{
	*m = (struct mailbox){.kind = MAILBOX_GROUP_END};
	if (l->failed || !find_next(l) || l->count++ >= BUDGET_LIST_MAILBOXES)
		return false;
	if (l->in_group && (cursor_at_end(&l->text) || cursor_take(&l->text, ';'))) {
		l->in_group = false;
		return true;
	}
	m->kind = take_mailbox(l);
	l->failed = has_failed(l);
	m->name = str_slice(&l->name);
	if (m->kind == MAILBOX_ADDRESS) {
		m->route = str_slice(&l->route);
		m->local = str_slice(&l->local);
		m->domain = str_slice(&l->domain);
	}
	return !l->failed;
}

void
mailbox_list_end(struct mailbox_list *l)
{
	str_free(&l->name);
	str_free(&l->comment);
	str_free(&l->route);
	str_free(&l->local);
	str_free(&l->domain);
}
