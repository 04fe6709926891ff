#include "pop3d/uidl.h"

#include "lib/base/cursor.h"
#include "lib/base/number.h"
#include "lib/base/siphash.h"

static const struct {
	const char *name;
	char        token;
} long_names[] = {{"uidvalidity", 'v'}, {"uid", 'u'}, {"filename", 'f'}, {"guid", 'g'}};

/* What is behind "%{": the name, perhaps a filter, and "}". */
static bool
read_long(struct cursor *c, struct uidl_part *part)
{
	uint64_t width = 0;
	for (size_t i = 0; i < sizeof long_names / sizeof *long_names && part->token == 0; i++)
		if (cursor_take_nocase(c, long_names[i].name))
			part->token = long_names[i].token;
	cursor_skip_spaces(c);
	if (cursor_take(c, '|')) {
		cursor_skip_spaces(c);
		if (part->hex || !cursor_take_nocase(c, "hex"))
			return false;
		part->hex = true;
		if (cursor_take(c, '(') && (!cursor_take_number(c, NUMBER_WIDTH_MOST, &width) || !cursor_take(c, ')')))
			return false;
		part->width = (uint8_t)width;
		cursor_skip_spaces(c);
	}
	return part->token != 0 && cursor_take(c, '}');
}

/* What is behind "%". */
static const char *
read_token(struct cursor *c, struct uidl_part *part)
{
	uint64_t width = 0;
	if (cursor_take(c, '0') && !cursor_take_number(c, NUMBER_WIDTH_MOST, &width))
		return "a width is 0 and at most 32: %08Xu";
	part->width = (uint8_t)width;
	part->hex = cursor_take(c, 'X');
	if (cursor_take(c, '{')) {
		if (!read_long(c, part))
			return "a long name is one of %{uid} %{uidvalidity} %{filename} %{guid}";
	} else {
		int token = cursor_next(c);
		part->token = token == CURSOR_END ? '\0' : (char)token;
	}
	bool number = part->token == 'u' || part->token == 'v';
	if (!number && part->token != 'f' && part->token != 'g')
		return "behind % stands one of u v f g";
	return number || (!part->hex && part->width == 0) ? NULL : "X and a width are for numbers";
}

static bool
is_text(int byte)
{
	return byte > ' ' && byte < 0x7f && byte != '%';
}

static const char *
read_part(struct cursor *c, struct uidl_part *part)
{
	*part = (struct uidl_part){.token = 0};
	part->text = cursor_take_while(c, is_text);
	if (part->text.len > 0)
		return NULL;
	struct slice sign = slice_first(c->rest, 1);
	if (!cursor_take(c, '%'))
		return "there is neither a space nor a byte beyond ASCII in a UIDL";
	if (!cursor_take(c, '%'))
		return read_token(c, part);
	part->text = sign;
	return NULL;
}

const char *
uidl_format_read(struct uidl_format *f, struct slice text)
{
	struct cursor c = cursor_over(text);
	bool unique = false;
	*f = (struct uidl_format){.count = 0};
	while (!cursor_at_end(&c)) {
		if (f->count == UIDL_PARTS_MOST)
			return "it has too many parts";
		struct uidl_part *part = &f->parts[f->count++];
		const char *why = read_part(&c, part);
		if (why != NULL)
			return why;
		f->guid = f->guid || part->token == 'g';
		unique = unique || part->token == 'u' || part->token == 'f' || part->token == 'g';
	}
	return unique ? NULL : "it needs %u, %f or %g, or all messages would have one id";
}

static bool
append_number(struct str *into, const struct uidl_part *part, uint32_t number)
{
	char room[NUMBER_WIDTH_MOST];
	return str_append_slice(into, number_digits(room, number, part->hex ? 16 : 10, part->width));
}

static bool
append_part(struct str *into, const struct uidl_part *part, const struct uidl_facts *m)
{
	switch (part->token) {
	case 'u':
		return append_number(into, part, m->uid);
	case 'v':
		return append_number(into, part, m->uidvalidity);
	case 'f':
		return str_append_slice(into, m->base);
	case 'g':
		return str_append_slice(into, m->guid.len > 0 ? m->guid : m->base);
	default:
		return str_append_slice(into, part->text);
	}
}

bool
uidl_append(struct str *into, const struct uidl_format *f, const struct uidl_facts *m)
{
	for (size_t i = 0; i < f->count; i++)
		if (!append_part(into, &f->parts[i], m))
			return false;
	return true;
}

static bool
is_allowed(struct slice id, size_t most)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.data[i] < 0x21 || id.data[i] > 0x7e)
			return false;
	return id.len > 0 && id.len <= most;
}

/* The keys are no secret: an id must be the same in each session. */
static const struct siphash_key first_key = {0x706f737465726e2dULL, 0x7569646c2d6f6e65ULL};
static const struct siphash_key second_key = {0x706f737465726e2dULL, 0x7569646c2d74776fULL};

bool
uidl_bound(struct str *s, size_t start, size_t most)
{
	struct slice id = slice_from(str_slice(s), start);
	if (is_allowed(id, most))
		return false;
	unsigned long long first = siphash(&first_key, id), second = siphash(&second_key, id);
	str_truncate(s, start);
	str_append_format(s, "h%016llx%016llx", first, second);
	return true;
}
