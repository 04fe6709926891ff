#include "authd/query_variable.h"

#define SHAPE_MOST 65536 /* longer than any key */

static const struct {
	int             letter;
	const char     *names[4];
	enum piece_kind kind;
} variables[] = {
    {'u', {"user", "auth_user", "orig_user"}, PIECE_KEY},
    {'n', {"username", "auth_username", "orig_username"}, PIECE_KEY_LOCAL},
    {'d', {"domain", "auth_domain", "orig_domain"}, PIECE_KEY_DOMAIN},
    {'s', {"service"}, PIECE_SERVICE},
    {'r', {"rip", "remote_ip"}, PIECE_REMOTE},
};
#define VARIABLES (sizeof variables / sizeof *variables)

static bool
find_letter(int letter, struct piece *piece)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		piece->kind = variables[i].kind;
		if (variables[i].letter == letter)
			return true;
	}
	return false;
}

static bool
find_name(struct slice name, struct piece *piece)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		piece->kind = variables[i].kind;
		for (size_t j = 0; variables[i].names[j] != NULL; j++)
			if (slice_is(name, variables[i].names[j]))
				return true;
	}
	return false;
}

/* A number that may be negative. False when it is none. `*zero`: a 0 stands at its beginning. */
static bool
take_signed(struct cursor *in, int *number, bool *zero)
{
	struct cursor before = *in;
	bool negative = cursor_take(in, '-');
	*zero = cursor_peek(in) == '0';
	uint64_t size;
	if (!cursor_take_number(in, SHAPE_MOST, &size)) {
		*in = before;
		return false;
	}
	*number = negative ? -(int)size : (int)size;
	return true;
}

/* [[OFFSET.]WIDTH]; a width of 0 is none. */
static bool
take_range(struct cursor *in, struct piece_shape *shape)
{
	int next = cursor_peek(in);
	if (next != '-' && !ascii_is_digit(next))
		return true;
	bool zero;
	if (!take_signed(in, &shape->width, &zero))
		return false;
	if (cursor_take(in, '.')) {
		shape->offset = shape->width;
		if (!take_signed(in, &shape->width, &zero))
			return false;
	}
	shape->pad = zero && shape->width > 0;
	return true;
}

/* The last of several counts. */
static void
take_modifiers(struct cursor *in, struct piece_shape *shape)
{
	for (;;) {
		bool lower = cursor_take(in, 'L');
		if (!lower && !cursor_take(in, 'U'))
			return;
		shape->lower = lower;
		shape->upper = !lower;
	}
}

static bool
is_name_byte(int c)
{
	return ascii_is_alnum(c) || c == '_';
}

static const char *
read_dovecot(struct cursor *in, struct piece *piece)
{
	*piece = (struct piece){.may_lack = true};
	if (!take_range(in, &piece->shape))
		return "a number behind a % must be WIDTH or OFFSET.WIDTH";
	take_modifiers(in, &piece->shape);
	if (!cursor_take(in, '{'))
		return find_letter(cursor_next(in), piece) ? NULL :
		    "a % must be followed by one of u n d s r %, or {user} and the like, with L, U and WIDTH or OFFSET.WIDTH before it "
		    "(write %% for a percent sign)";
	struct slice name = cursor_take_while(in, is_name_byte);
	return cursor_take(in, '}') && find_name(name, piece) ? NULL :
	    "of the long names {user} {username} {domain} {service} {rip}, and the first three with auth_ or orig_, are known here";
}

const char *
query_variable_read(struct cursor *in, enum query_dialect dialect, struct piece *piece)
{
	if (dialect == QUERY_DOVECOT)
		return read_dovecot(in, piece);
	return expansion_key_piece(cursor_next(in), piece) ? NULL :
	    "a % must be followed by one of s u d 1-9 % (write %% for a percent sign)";
}
