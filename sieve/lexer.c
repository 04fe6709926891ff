#include "sieve/lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/mail/address.h"

bool
sieve_wrong(struct sieve_problem *p, unsigned line, const char *format, ...)
{
	if (p->text[0] != '\0')
		return false;
	va_list list;
	va_start(list, format);
	vsnprintf(p->text, sizeof p->text, format, list);
	va_end(list);
	p->line = line;
	return false;
}

void
sieve_lexer_begin(struct sieve_lexer *l, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem)
{
	/* A mark of byte order, as some editors write it. */
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_from(text, 3);
	*l = (struct sieve_lexer){.text = cursor_over(text), .line = 1, .memory = memory, .problem = problem};
}

static bool
wrong(struct sieve_lexer *l, const char *text)
{
	return sieve_wrong(l->problem, l->line, "%s", text);
}

static int
next_byte(struct sieve_lexer *l)
{
	int byte = cursor_next(&l->text);
	if (byte == '\n')
		l->line++;
	return byte;
}

/* --- what stands between tokens ----------------------------------------------------- */

static bool
is_not_line_end(int byte)
{
	return byte != '\n';
}

static bool
skip_bracket_comment(struct sieve_lexer *l)
{
	int before = 0;
	for (;;) {
		int byte = next_byte(l);
		if (byte == CURSOR_END)
			return wrong(l, "a comment that begins with /* has no end");
		if (before == '*' && byte == '/')
			return true;
		before = byte;
	}
}

static bool
skip_blank(struct sieve_lexer *l)
{
	for (;;) {
		int byte = cursor_peek(&l->text);
		if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
			next_byte(l);
		else if (byte == '#')
			cursor_take_while(&l->text, is_not_line_end);
		else if (slice_starts(l->text.rest, "/*")) {
			l->text.rest = slice_from(l->text.rest, 2);
			if (!skip_bracket_comment(l))
				return false;
		} else {
			return true;
		}
	}
}

/* --- strings ------------------------------------------------------------------------- */

/* A part of the script, which is read into memory of its own: CRLF becomes LF. */
struct copy {
	char  *bytes;
	size_t len;
};

static bool
begin_copy(struct sieve_lexer *l, struct copy *c, size_t most)
{
	*c = (struct copy){.bytes = sieve_take(l->memory, most + 1)};
	return c->bytes != NULL || wrong(l, "the script is too large");
}

static void
put(struct copy *c, int byte)
{
	if (byte == '\n' && c->len > 0 && c->bytes[c->len - 1] == '\r')
		c->len--;
	c->bytes[c->len++] = (char)byte;
}

static bool
end_string(struct sieve_lexer *l, struct sieve_token *t, const struct copy *c)
{
	t->kind = TOKEN_STRING;
	t->text = slice_make(c->bytes, c->len);
	if (memchr(c->bytes, '\0', c->len) != NULL)
		return sieve_wrong(l->problem, t->line, "there is a NUL in a string");
	return address_is_utf8(t->text) || sieve_wrong(l->problem, t->line, "a string is not UTF-8");
}

/* How far a quoted string goes, behind its first quote. */
static size_t
quoted_length(struct slice rest)
{
	size_t i = 0;
	while (i < rest.len && rest.data[i] != '"')
		i += rest.data[i] == '\\' ? 2 : 1;
	return i;
}

static bool
take_quoted(struct sieve_lexer *l, struct sieve_token *t)
{
	struct copy c;
	size_t len = quoted_length(l->text.rest);
	if (len >= l->text.rest.len)
		return wrong(l, "a string has no end: a \" is missing");
	if (!begin_copy(l, &c, len))
		return false;
	for (int byte = next_byte(l); byte != '"'; byte = next_byte(l)) {
		if (byte == '\\')
			byte = next_byte(l);
		put(&c, byte);
	}
	return end_string(l, t, &c);
}

/* One line without its end; false at the end of the script. */
static bool
take_line(struct sieve_lexer *l, struct slice *line)
{
	if (cursor_at_end(&l->text))
		return false;
	*line = cursor_take_while(&l->text, is_not_line_end);
	next_byte(l);
	if (slice_ends(*line, "\r"))
		*line = slice_first(*line, line->len - 1);
	return true;
}

/* Behind "text:" there may be blanks and a comment only. */
static bool
end_of_text_line(struct sieve_lexer *l)
{
	struct slice line;
	if (!take_line(l, &line))
		return wrong(l, "a text has no end: a line with a single dot is missing");
	line = slice_trim(line);
	return line.len == 0 || line.data[0] == '#' || wrong(l, "behind text: the line must end");
}

/* How far a text goes with all that follows its line of a single dot left out. */
static size_t
text_length(struct slice rest)
{
	struct slice all = rest, line;
	while (slice_split(&rest, '\n', &line) && !slice_is(line, ".") && !slice_is(line, ".\r"))
		;
	return all.len - rest.len;
}

static bool
take_text(struct sieve_lexer *l, struct sieve_token *t)
{
	struct copy c;
	struct slice line;
	if (!end_of_text_line(l) || !begin_copy(l, &c, text_length(l->text.rest) + 1))
		return false;
	while (take_line(l, &line)) {
		if (slice_is(line, "."))
			return end_string(l, t, &c);
		if (slice_starts(line, ".."))
			line = slice_from(line, 1);
		for (size_t i = 0; i < line.len; i++)
			put(&c, line.data[i]);
		put(&c, '\n');
	}
	return sieve_wrong(l->problem, t->line, "the text that begins here has no end: a line with a single dot is missing");
}

/* --- the others ------------------------------------------------------------------------ */

static bool
is_word_byte(int byte)
{
	return ascii_is_alnum(byte) || byte == '_';
}

static bool
take_word(struct sieve_lexer *l, struct sieve_token *t)
{
	t->kind = TOKEN_WORD;
	t->text = cursor_take_while(&l->text, is_word_byte);
	if (slice_is_nocase(t->text, "text") && cursor_take(&l->text, ':'))
		return take_text(l, t);
	return true;
}

static bool
take_tag(struct sieve_lexer *l, struct sieve_token *t)
{
	t->kind = TOKEN_TAG;
	t->text = cursor_take_while(&l->text, is_word_byte);
	if (t->text.len == 0 || ascii_is_digit((unsigned char)t->text.data[0]))
		return wrong(l, "behind a colon there must be a word");
	return true;
}

static unsigned
take_unit(struct cursor *c)
{
	static const char units[] = "kmg";
	for (unsigned i = 0; units[i] != '\0'; i++)
		if (ascii_lower(cursor_peek(c)) == units[i]) {
			cursor_next(c);
			return 10 * (i + 1);
		}
	return 0;
}

static bool
take_number(struct sieve_lexer *l, struct sieve_token *t)
{
	t->kind = TOKEN_NUMBER;
	if (!cursor_take_number(&l->text, INT64_MAX >> 30, &t->number))
		return wrong(l, "a number is too large");
	t->number <<= take_unit(&l->text);
	int after = cursor_peek(&l->text);
	return after == CURSOR_END || !is_word_byte(after) || wrong(l, "a number must end in a digit, K, M or G");
}

static bool
take_sign(struct sieve_lexer *l, struct sieve_token *t)
{
	int byte = next_byte(l);
	t->kind = TOKEN_SIGN;
	t->sign = (char)byte;
	if (byte != 0 && strchr("()[]{},;", byte) != NULL)
		return true;
	if (byte > ' ' && byte < 0x7f)
		return sieve_wrong(l->problem, t->line, "there is a %c that does not belong there", byte);
	return sieve_wrong(l->problem, t->line, "there is a byte 0x%02x outside of a string", (unsigned)byte);
}

static bool
take_token(struct sieve_lexer *l, struct sieve_token *t)
{
	int byte = cursor_peek(&l->text);
	if (byte == CURSOR_END)
		return true;
	if (ascii_is_digit(byte))
		return take_number(l, t);
	if (is_word_byte(byte))
		return take_word(l, t);
	if (cursor_take(&l->text, ':'))
		return take_tag(l, t);
	if (cursor_take(&l->text, '"'))
		return take_quoted(l, t);
	return take_sign(l, t);
}

struct sieve_token
sieve_lexer_next(struct sieve_lexer *l)
{
	struct sieve_token t = {.kind = TOKEN_WRONG};
	if (!skip_blank(l))
		return t;
	t.kind = TOKEN_END;
	t.line = l->line;
	if (!take_token(l, &t))
		t.kind = TOKEN_WRONG;
	return t;
}
