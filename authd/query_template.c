#include "authd/query_template.h"

#include <string.h>

#include "authd/query_variable.h"
#include "lib/base/cursor.h"

/* What ended just before, white space aside: MySQL joins neighbouring literals into one. */
enum before { BEFORE_OTHER, BEFORE_LITERAL, BEFORE_BOUND };

struct parser {
	struct query_template *t;
	enum query_dialect     dialect;
	struct cursor          in;
	enum before            before;
	size_t                 parentheses; /* that are open */
	size_t                 pattern;     /* how many were open before those of LIKE CONCAT(...); meaningful with `in_pattern` */
	bool                   in_pattern;
	const char            *problem;
};

static bool
fail(struct parser *p, const char *problem)
{
	p->problem = problem;
	return false;
}

static bool
emit(struct parser *p, int byte)
{
	return str_append_byte(&p->t->sql, (char)byte) || fail(p, "the query is too long");
}

static bool
is_name_byte(int c)
{
	return ascii_is_alnum(c) || c == '_' || c == '$' || c == '.' || c == '@' || c == '`' || c == '\'' || c == '"' || c >= 0x80;
}

/* Of the newest parameter. */
static bool
emit_parameter(struct parser *p)
{
	p->t->places[p->t->count - 1] = p->t->sql.len;
	return emit(p, '?');
}

/* The byte that was emitted last, or a blank. */
static int
last_byte(const struct parser *p)
{
	return p->t->sql.len > 0 ? (unsigned char)p->t->sql.data[p->t->sql.len - 1] : ' ';
}

static struct expansion *
new_parameter(struct parser *p)
{
	if (p->t->count == PARAMETERS_MOST) {
		fail(p, "too many placeholders");
		return NULL;
	}
	struct expansion *e = &p->t->parameters[p->t->count++];
	*e = EXPANSION_NONE;
	return e;
}

/* --- LIKE --------------------------------------------------------------------------- */

/* What was emitted, without the blanks at its end. */
static struct slice
emitted(const struct parser *p)
{
	struct slice sql = str_slice(&p->t->sql);
	while (sql.len > 0 && strchr(" \t\n", sql.data[sql.len - 1]) != NULL)
		sql.len--;
	return sql;
}

/* Takes the word at the end away. */
static struct slice
take_last_word(struct slice *sql)
{
	size_t start = sql->len;
	while (start > 0 && (ascii_is_alnum((unsigned char)sql->data[start - 1]) || sql->data[start - 1] == '_'))
		start--;
	struct slice word = slice_from(*sql, start);
	sql->len = start;
	while (sql->len > 0 && strchr(" \t\n", sql->data[sql->len - 1]) != NULL)
		sql->len--;
	return word;
}

/* Behind LIKE, or behind LIKE and the name of a function. */
static bool
behind_like(const struct parser *p)
{
	struct slice sql = emitted(p);
	return slice_is_nocase(take_last_word(&sql), "like") || slice_is_nocase(take_last_word(&sql), "like");
}

/* A value that a client chose must not be a pattern: its "%" would be anybody's name. */
static bool
is_pattern(const struct parser *p)
{
	return p->in_pattern || behind_like(p);
}

static void
count_parenthesis(struct parser *p, int c)
{
	if (c == '(' && !p->in_pattern && behind_like(p)) {
		p->in_pattern = true;
		p->pattern = p->parentheses;
	}
	if (c == '(')
		p->parentheses++;
	if (c == ')' && p->parentheses > 0)
		p->parentheses--;
	if (c == ')' && p->in_pattern && p->parentheses == p->pattern)
		p->in_pattern = false;
}

/* --- within quotes ----------------------------------------------------------------- */

/* A placeholder or %%; the % is taken. */
static bool
literal_percent(struct parser *p, struct expansion *e, bool *bound)
{
	struct piece piece;
	if (cursor_take(&p->in, '%'))
		return expansion_add_text(e, slice_of("%")) || fail(p, "no memory");
	const char *problem = query_variable_read(&p->in, p->dialect, &piece);
	if (problem != NULL)
		return fail(p, problem);
	piece.pattern = is_pattern(p);
	*bound = true;
	return expansion_add(e, &piece) || fail(p, "no memory");
}

/* What the server makes of a backslash and the byte behind it; \% and \_ keep their backslash, for LIKE. */
static bool
literal_escape(struct parser *p, struct expansion *e)
{
	static const char from[] = "ntr0bZ", to[] = "\n\t\r\0\b\032";
	int c = cursor_next(&p->in);
	if (c == CURSOR_END)
		return fail(p, "a quote is not closed");
	char bytes[2] = {'\\', (char)c};
	if (c == '%' && !cursor_take(&p->in, '%'))
		return fail(p, "a backslash stands before a placeholder");
	if (c == '%' || c == '_')
		return expansion_add_text(e, slice_make(bytes, 2)) || fail(p, "no memory");
	const char *known = strchr(from, c);
	if (known != NULL && c != '\0')
		bytes[1] = to[known - from];
	return expansion_add_text(e, slice_make(bytes + 1, 1)) || fail(p, "no memory");
}

/* Reads a literal up to its end quote, the value into `e`. */
static bool
read_literal(struct parser *p, int quote, struct expansion *e, bool *bound)
{
	for (;;) {
		int c = cursor_next(&p->in);
		char byte = (char)c;
		bool ok = true;
		if (c == CURSOR_END)
			return fail(p, "a quote is not closed");
		if (c == quote && !cursor_take(&p->in, (char)quote))
			return true;
		if (c == '%')
			ok = literal_percent(p, e, bound);
		else if (c == '\\')
			ok = literal_escape(p, e);
		else
			ok = expansion_add_text(e, slice_make(&byte, 1)) || fail(p, "no memory");
		if (!ok)
			return false;
	}
}

/* A literal without placeholders stays as it was written, but for %%. */
static bool
copy_literal(struct parser *p, struct slice written)
{
	for (size_t i = 0; i < written.len; i++) {
		if (!emit(p, written.data[i]))
			return false;
		i += written.data[i] == '%';
	}
	return true;
}

static bool
literal(struct parser *p, int quote)
{
	bool bound = false, name_before = is_name_byte(last_byte(p));
	struct slice from = p->in.rest;
	cursor_next(&p->in);
	struct expansion *e = new_parameter(p);
	if (e == NULL || !read_literal(p, quote, e, &bound))
		return false;
	enum before before = p->before;
	p->before = bound ? BEFORE_BOUND : BEFORE_LITERAL;
	if (before == BEFORE_BOUND || (bound && before == BEFORE_LITERAL))
		return fail(p, "two quoted texts side by side: join them within one pair of quotes, or with CONCAT()");
	if (bound)
		return name_before ? fail(p, "a placeholder in a quoted text with a prefix (N'', x'', _utf8'') cannot be bound") : emit_parameter(p);
	expansion_free(e);
	p->t->count--;
	return copy_literal(p, slice_first(from, from.len - p->in.rest.len));
}

/* --- outside quotes ------------------------------------------------------------------ */

/* Copies up to and with `end`; a placeholder in there would become part of a name or comment. */
static bool
copy_opaque(struct parser *p, const char *end, bool may_stop)
{
	while (!slice_starts(p->in.rest, end)) {
		int c = cursor_next(&p->in);
		if (c == CURSOR_END)
			return may_stop || fail(p, "a backquote or comment is not closed");
		if (c == '%' && !cursor_take(&p->in, '%'))
			return fail(p, "a placeholder in a name or comment cannot be bound as a value");
		if (!emit(p, c))
			return false;
	}
	for (size_t i = 0; i < strlen(end); i++)
		if (!emit(p, cursor_next(&p->in)))
			return false;
	return true;
}

/* A table, or a number that must be known when the statement is prepared: no place for a value. */
static bool
behind_name_keyword(const struct parser *p)
{
	static const char *const words[] = {"from", "join", "into", "table", "update", "as"};
	struct slice sql = emitted(p);
	size_t start = sql.len;
	while (start > 0 && ascii_is_alpha((unsigned char)sql.data[start - 1]))
		start--;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_is_nocase(slice_from(sql, start), words[i]))
			return true;
	return false;
}

/* A placeholder without quotes: Postfix and Dovecot would put the key there as it is; we bind it as a value. */
static bool
bare_placeholder(struct parser *p)
{
	struct piece piece;
	if (cursor_take(&p->in, '%'))
		return emit(p, '%');
	const char *problem = query_variable_read(&p->in, p->dialect, &piece);
	if (problem != NULL)
		return fail(p, problem);
	int next = cursor_peek(&p->in);
	if (is_name_byte(last_byte(p)) || next == '%' || (next != CURSOR_END && is_name_byte(next)))
		return fail(p, "a placeholder that is a part of a name or number cannot be bound as a value");
	if (behind_name_keyword(p))
		return fail(p, "a placeholder that stands for a table's or column's name cannot be bound as a value");
	struct expansion *e = new_parameter(p);
	if (e == NULL)
		return false;
	piece.pattern = is_pattern(p);
	return (expansion_add(e, &piece) || fail(p, "no memory")) && emit_parameter(p);
}

static bool
is_dash_comment(struct slice rest)
{
	return slice_starts(rest, "--") && (rest.len == 2 || strchr(" \t\n", rest.data[2]) != NULL);
}

static bool
take_token(struct parser *p)
{
	int c = cursor_peek(&p->in);
	if (c == '\'' || c == '"')
		return literal(p, c);
	if (c != ' ' && c != '\t' && c != '\n')
		p->before = BEFORE_OTHER;
	if (c == '#' || is_dash_comment(p->in.rest))
		return copy_opaque(p, "\n", true);
	if (slice_starts(p->in.rest, "/*"))
		return copy_opaque(p, "*/", false);
	cursor_next(&p->in);
	count_parenthesis(p, c);
	if (c == '`')
		return emit(p, c) && copy_opaque(p, "`", false);
	if (c == '%')
		return bare_placeholder(p);
	if (c == '?' || c == '\0')
		return fail(p, "a ? or NUL outside quotes has no meaning here");
	return emit(p, c);
}

const char *
query_template_parse(struct query_template *t, enum query_dialect dialect, struct slice query)
{
	*t = (struct query_template){.sql = STR_MOST(EXPANSION_MOST)};
	struct parser p = {.t = t, .dialect = dialect, .in = cursor_over(query)};
	while (!cursor_at_end(&p.in) && take_token(&p))
		;
	if (p.problem == NULL && t->sql.len == 0)
		p.problem = "the query is empty";
	return p.problem;
}

bool
query_template_exact(const struct query_template *t, const bool *exactly, struct str *sql)
{
	struct slice rest = str_slice(&t->sql);
	size_t taken = 0;
	for (size_t i = 0; i < t->count; i++) {
		str_append_slice(sql, slice_first(rest, t->places[i] - taken));
		str_append_text(sql, exactly[i] ? "CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin" : "?");
		rest = slice_from(str_slice(&t->sql), t->places[i] + 1);
		taken = t->places[i] + 1;
	}
	return str_append_slice(sql, rest);
}

void
query_template_free(struct query_template *t)
{
	for (size_t i = 0; i < t->count; i++)
		expansion_free(&t->parameters[i]);
	str_free(&t->sql);
	t->count = 0;
}

bool
query_template_uses_client(const struct query_template *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (expansion_uses_client(&t->parameters[i]))
			return true;
	return false;
}

bool
query_template_is_of_domain(const struct query_template *t)
{
	bool domain = false;
	for (size_t i = 0; i < t->count; i++) {
		if (expansion_uses_local(&t->parameters[i]))
			return false;
		domain = domain || expansion_uses_domain(&t->parameters[i]);
	}
	return domain;
}
