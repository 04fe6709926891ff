#include "lib/mail/mime_fields.h"

#include <string.h>

#include "lib/mail/blank.h"
#include "lib/mail/budget.h"
#include "lib/mail/header.h"

/* RFC 2045 section 5.1. */
static bool
is_token_byte(int c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* Programs write values without quotes that need them; only what cannot belong to one ends it. */
static bool
is_value_byte(int c)
{
	return c > ' ' && c != 0x7f && c != ';' && c != '"' && c != '(';
}

static bool
is_name_byte(int c)
{
	return is_value_byte(c) && c != '=';
}

static bool
is_not_semicolon(int c)
{
	return c != ';';
}

static struct slice
take_token(struct cursor *c)
{
	blank_skip(c);
	struct slice token = cursor_take_while(c, is_token_byte);
	blank_skip(c);
	return token;
}

/* A field of the form "type/subtype; parameters"; one that is not of it is as good as absent (RFC 2045 section 5.2). */
static void
read_type(struct mime_part *p, struct slice value)
{
	struct cursor c = cursor_over(value);
	struct slice type = take_token(&c);
	if (type.len == 0 || !cursor_take(&c, '/'))
		return;
	struct slice subtype = take_token(&c);
	if (subtype.len == 0)
		return;
	p->type = type;
	p->subtype = subtype;
	p->parameters = c.rest;
}

static void
read_disposition(struct mime_part *p, struct slice value)
{
	struct cursor c = cursor_over(value);
	struct slice word = take_token(&c);
	if (word.len == 0)
		return;
	p->disposition = word;
	p->disposition_parameters = c.rest;
}

static void
read_encoding(struct mime_part *p, struct slice value)
{
	struct cursor c = cursor_over(value);
	p->encoding = take_token(&c);
}

static bool
is_encoded(const struct mime_part *p)
{
	return slice_is_nocase(p->encoding, "base64") || slice_is_nocase(p->encoding, "quoted-printable");
}

static enum mime_kind
kind_of(const struct mime_part *p)
{
	if (slice_is_nocase(p->type, "multipart"))
		return MIME_MULTIPART;
	bool message = slice_is_nocase(p->type, "message") &&
	    (slice_is_nocase(p->subtype, "rfc822") || slice_is_nocase(p->subtype, "global"));
	return message && !is_encoded(p) ? MIME_MESSAGE : MIME_LEAF;
}

/* Of a field that is there twice the first counts. */
static void
read_field(struct mime_part *p, const struct header_field *f, bool *typed)
{
	struct slice name = slice_from(f->name, 8);
	struct {
		const char   *name;
		struct slice *value;
	} const raw[] = {{"ID", &p->id}, {"Description", &p->description}, {"MD5", &p->md5}, {"Location", &p->location},
	    {"Language", &p->language}};
	for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
		if (raw[i].value->data == NULL && slice_is_nocase(name, raw[i].name))
			*raw[i].value = f->value;
	if (slice_is_nocase(name, "Type") && !*typed) {
		*typed = true;
		read_type(p, f->value);
	}
	if (slice_is_nocase(name, "Transfer-Encoding") && p->encoding.data == NULL)
		read_encoding(p, f->value);
	if (slice_is_nocase(name, "Disposition") && p->disposition.data == NULL)
		read_disposition(p, f->value);
}

void
mime_read_fields(struct mime_part *p, struct slice header, bool in_digest)
{
	struct header_reader r;
	struct header_field f;
	bool typed = false;
	p->type = slice_of(in_digest ? "message" : "text");
	p->subtype = slice_of(in_digest ? "rfc822" : "plain");
	header_begin(&r, header);
	while (header_next(&r, &f))
		if (slice_starts_nocase(f.name, "Content-"))
			read_field(p, &f, &typed);
	p->kind = kind_of(p);
}

void
mime_parameters_begin(struct mime_parameters *p, struct slice parameters)
{
	*p = (struct mime_parameters){.text = cursor_over(parameters), .value = STR_MOST(parameters.len)};
}

/* Behind the opening quote. Folds within are taken out, and NUL. */
static void
take_quoted(struct cursor *c, struct str *into)
{
	for (;;) {
		int byte = cursor_next(c);
		if (byte == '"')
			return;
		if (byte == '\\')
			byte = cursor_next(c);
		if (byte == CURSOR_END)
			return;
		if (byte != '\r' && byte != '\n' && byte != '\0')
			str_append_byte(into, (char)byte);
	}
}

static void
take_value(struct mime_parameters *p)
{
	str_clear(&p->value);
	blank_skip(&p->text);
	if (cursor_take(&p->text, '"'))
		take_quoted(&p->text, &p->value);
	else
		str_append_slice(&p->value, cursor_take_while(&p->text, is_value_byte));
}

bool
mime_parameters_next(struct mime_parameters *p, struct slice *name, struct slice *value)
{
	while (!cursor_at_end(&p->text) && p->count < BUDGET_MIME_PARAMETERS) {
		/* What stands behind a value is not understood; usually nothing does. */
		cursor_take_while(&p->text, is_not_semicolon);
		cursor_take(&p->text, ';');
		blank_skip(&p->text);
		*name = cursor_take_while(&p->text, is_name_byte);
		blank_skip(&p->text);
		if (name->len == 0 || !cursor_take(&p->text, '='))
			continue;
		take_value(p);
		p->count++;
		*value = str_slice(&p->value);
		return !p->value.failed;
	}
	return false;
}

void
mime_parameters_end(struct mime_parameters *p)
{
	str_free(&p->value);
}

bool
mime_parameter(struct slice parameters, const char *name, struct str *into)
{
	struct mime_parameters p;
	struct slice n, v;
	bool found = false;
	mime_parameters_begin(&p, parameters);
	while (!found && mime_parameters_next(&p, &n, &v))
		found = slice_is_nocase(n, name);
	bool ok = found && str_set(into, v);
	into->failed = into->failed || p.value.failed;
	mime_parameters_end(&p);
	return ok;
}

static bool
is_listed_byte(int c)
{
	return is_value_byte(c) && c != ',';
}

bool
mime_word_next(struct cursor *list, struct slice *word)
{
	for (;;) {
		blank_skip(list);
		*word = cursor_take_while(list, is_listed_byte);
		if (word->len > 0)
			return true;
		if (cursor_next(list) == CURSOR_END)
			return false;
	}
}
