#include "authd/expansion.h"

#include <stdlib.h>

#include "lib/mail/address.h"

bool
expansion_add(struct expansion *e, const struct piece *piece)
{
	struct piece *pieces = reallocarray(e->pieces, e->count + 1, sizeof *pieces);
	if (pieces == NULL)
		return false;
	e->pieces = pieces;
	pieces[e->count++] = *piece;
	return true;
}

bool
expansion_add_text(struct expansion *e, struct slice text)
{
	size_t start = e->text.len;
	if (!str_append_slice(&e->text, text))
		return false;
	/* Text behind text is one piece. */
	if (e->count > 0 && e->pieces[e->count - 1].kind == PIECE_TEXT) {
		e->pieces[e->count - 1].len += text.len;
		return true;
	}
	return expansion_add(e, &(struct piece){.kind = PIECE_TEXT, .start = start, .len = text.len});
}

bool
expansion_key_piece(int letter, struct piece *piece)
{
	*piece = (struct piece){.kind = PIECE_KEY};
	switch (letter) {
	case 's':
	case 'S':
		return true;
	case 'u':
	case 'U':
		piece->kind = PIECE_KEY_LOCAL;
		return true;
	case 'd':
	case 'D':
		piece->kind = PIECE_KEY_DOMAIN;
		return true;
	}
	if (letter < '1' || letter > '9')
		return false;
	piece->kind = PIECE_KEY_LABEL;
	piece->label = (size_t)(letter - '0');
	return true;
}

static bool
result_piece(int letter, struct piece *piece)
{
	if (!expansion_key_piece(letter, piece))
		return false;
	if (letter == 's')
		piece->kind = PIECE_VALUE;
	else if (letter == 'u')
		piece->kind = PIECE_VALUE_LOCAL;
	else if (letter == 'd')
		piece->kind = PIECE_VALUE_DOMAIN;
	return true;
}

const char *
expansion_parse_result(struct expansion *e, struct slice format)
{
	while (format.len > 0) {
		size_t at = slice_find(format, '%');
		bool ok = at == 0 || expansion_add_text(e, slice_first(format, at));
		format = slice_from(format, at);
		if (format.len > 0) {
			struct piece piece;
			int letter = format.len > 1 ? (unsigned char)format.data[1] : 0;
			if (letter == '%')
				ok = expansion_add_text(e, slice_of("%"));
			else if (result_piece(letter, &piece))
				ok = expansion_add(e, &piece);
			else
				return "result_format: a % must be followed by one of s u d S U D 1-9 %";
			format = slice_from(format, 2);
		}
		if (!ok)
			return "result_format: no memory, or too long";
	}
	return NULL;
}

void
expansion_free(struct expansion *e)
{
	str_free(&e->text);
	free(e->pieces);
	*e = EXPANSION_NONE;
}

static bool
uses(const struct expansion *e, enum piece_kind one, enum piece_kind other)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->pieces[i].kind == one || e->pieces[i].kind == other)
			return true;
	return false;
}

bool
expansion_uses_client(const struct expansion *e)
{
	return uses(e, PIECE_SERVICE, PIECE_REMOTE);
}

bool
expansion_uses_local(const struct expansion *e)
{
	return uses(e, PIECE_KEY, PIECE_KEY_LOCAL);
}

bool
expansion_uses_domain(const struct expansion *e)
{
	return uses(e, PIECE_KEY_DOMAIN, PIECE_KEY_LABEL);
}

/* --- applying ------------------------------------------------------------------------- */

/* The label with that number from the right; empty when there are not so many. */
static struct slice
label_of(struct slice domain, size_t number)
{
	for (;;) {
		size_t dot = slice_find_last(domain, '.');
		struct slice label = dot == domain.len ? domain : slice_from(domain, dot + 1);
		if (--number == 0)
			return label;
		if (dot == domain.len)
			return slice_of("");
		domain = slice_first(domain, dot);
	}
}

/* Without an "@" the local part is the whole, and there is no domain. */
static struct slice
local_of(struct slice whole)
{
	struct slice local, domain;
	address_split(whole, &local, &domain);
	return local;
}

static struct slice
domain_of(struct slice whole)
{
	struct slice local, domain;
	address_split(whole, &local, &domain);
	return domain;
}

static struct slice
part_of(const struct piece *p, const struct query_key *key, struct slice value)
{
	switch (p->kind) {
	case PIECE_TEXT:
		break;
	case PIECE_KEY:
		return key->text;
	case PIECE_KEY_LOCAL:
		return local_of(key->text);
	case PIECE_KEY_DOMAIN:
		return domain_of(key->text);
	case PIECE_KEY_LABEL:
		return label_of(domain_of(key->text), p->label);
	case PIECE_SERVICE:
		return key->service;
	case PIECE_REMOTE:
		return key->remote;
	case PIECE_VALUE:
		return value;
	case PIECE_VALUE_LOCAL:
		return local_of(value);
	case PIECE_VALUE_DOMAIN:
		return domain_of(value);
	}
	return slice_of("");
}

/* An offset behind the end leaves nothing, one before the beginning all. */
static struct slice
cut(struct slice part, const struct piece_shape *s)
{
	size_t from_end = s->offset < 0 ? (size_t)-s->offset : 0;
	if (s->offset >= 0)
		part = slice_from(part, (size_t)s->offset);
	else if (from_end < part.len)
		part = slice_from(part, part.len - from_end);
	if (s->width > 0 && !s->pad)
		part = slice_first(part, (size_t)s->width);
	if (s->width < 0)
		part.len -= (size_t)-s->width < part.len ? (size_t)-s->width : part.len;
	return part;
}

static bool
append_quoted(struct slice part, struct str *into)
{
	for (size_t i = 0; i < part.len; i++) {
		if (slice_has(slice_of("%_\\"), part.data[i]))
			str_append_byte(into, '\\');
		str_append_byte(into, part.data[i]);
	}
	return !into->failed;
}

static bool
append_shaped(struct slice part, const struct piece_shape *s, struct str *into)
{
	part = cut(part, s);
	for (size_t i = part.len; s->pad && s->width > 0 && i < (size_t)s->width; i++)
		str_append_byte(into, '0');
	if (!s->upper)
		return s->lower ? address_append_lower(into, part) : str_append_slice(into, part);
	for (size_t i = 0; i < part.len; i++)
		str_append_byte(into, (char)ascii_upper((unsigned char)part.data[i]));
	return !into->failed;
}

static bool
append_piece(const struct piece *p, struct slice part, struct str *into)
{
	if (!p->pattern)
		return append_shaped(part, &p->shape, into);
	struct str shaped = STR_MOST(EXPANSION_MOST);
	bool ok = append_shaped(part, &p->shape, &shaped) && append_quoted(str_slice(&shaped), into);
	str_free(&shaped);
	return ok;
}

bool
expansion_apply(const struct expansion *e, const struct query_key *key, struct slice value, struct str *into)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct piece *p = &e->pieces[i];
		struct slice part = p->kind == PIECE_TEXT ? slice_make(e->text.data + p->start, p->len) : part_of(p, key, value);
		if (p->kind != PIECE_TEXT && part.len == 0 && !p->may_lack)
			return false;
		if (!append_piece(p, part, into))
			return false;
	}
	return true;
}
