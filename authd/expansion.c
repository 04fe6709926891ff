#include "authd/expansion.h"

#include <stdlib.h>

#include "lib/mail/address.h"

bool
expansion_add(struct expansion *e, enum piece_kind kind, size_t label)
{
	struct piece *pieces = reallocarray(e->pieces, e->count + 1, sizeof *pieces);
	if (pieces == NULL)
		return false;
	e->pieces = pieces;
	pieces[e->count++] = (struct piece){.kind = kind, .label = label};
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
	if (!expansion_add(e, PIECE_TEXT, 0))
		return false;
	e->pieces[e->count - 1].start = start;
	e->pieces[e->count - 1].len = text.len;
	return true;
}

bool
expansion_key_piece(int letter, enum piece_kind *kind, size_t *label)
{
	*label = 0;
	switch (letter) {
	case 's':
	case 'S':
		*kind = PIECE_KEY;
		return true;
	case 'u':
	case 'U':
		*kind = PIECE_KEY_LOCAL;
		return true;
	case 'd':
	case 'D':
		*kind = PIECE_KEY_DOMAIN;
		return true;
	}
	if (letter < '1' || letter > '9')
		return false;
	*kind = PIECE_KEY_LABEL;
	*label = (size_t)(letter - '0');
	return true;
}

static bool
result_piece(int letter, enum piece_kind *kind, size_t *label)
{
	if (!expansion_key_piece(letter, kind, label))
		return false;
	if (letter == 's')
		*kind = PIECE_VALUE;
	else if (letter == 'u')
		*kind = PIECE_VALUE_LOCAL;
	else if (letter == 'd')
		*kind = PIECE_VALUE_DOMAIN;
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
			enum piece_kind kind;
			size_t label;
			int letter = format.len > 1 ? (unsigned char)format.data[1] : 0;
			if (letter == '%')
				ok = expansion_add_text(e, slice_of("%"));
			else if (result_piece(letter, &kind, &label))
				ok = expansion_add(e, kind, label);
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

/* Without an "@" the local part is the whole, and there is no domain. An empty part is one that is lacking. */
static bool
append_part(struct slice whole, enum piece_kind kind, size_t label, struct str *into)
{
	struct slice local, domain, part = whole;
	address_split(whole, &local, &domain);
	if (kind == PIECE_KEY_LOCAL)
		part = local;
	else if (kind == PIECE_KEY_DOMAIN)
		part = domain;
	else if (kind == PIECE_KEY_LABEL)
		part = label_of(domain, label);
	return part.len > 0 && str_append_slice(into, part);
}

bool
expansion_apply(const struct expansion *e, struct slice key, struct slice value, struct str *into)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct piece *p = &e->pieces[i];
		bool ok = true;
		switch (p->kind) {
		case PIECE_TEXT:
			ok = str_append(into, e->text.data + p->start, p->len);
			break;
		case PIECE_KEY:
		case PIECE_KEY_LOCAL:
		case PIECE_KEY_DOMAIN:
		case PIECE_KEY_LABEL:
			ok = append_part(key, p->kind, p->label, into);
			break;
		case PIECE_VALUE:
			ok = append_part(value, PIECE_KEY, 0, into);
			break;
		case PIECE_VALUE_LOCAL:
			ok = append_part(value, PIECE_KEY_LOCAL, 0, into);
			break;
		case PIECE_VALUE_DOMAIN:
			ok = append_part(value, PIECE_KEY_DOMAIN, 0, into);
			break;
		}
		if (!ok)
			return false;
	}
	return true;
}
