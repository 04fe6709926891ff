#include "authd/ask.h"

/* A map of text files, with no table beside them: the embedded users hold nothing of it. */
static bool
is_of_files(const struct resolution *r, enum map map)
{
	return r->options->files != NULL && address_files_map(r->options->files, map) != NULL && !r->facts.source->sql[map];
}

/* The text file beside the table, if there is one; it comes first. */
static enum verdict
ask_file(struct resolution *r, enum map map, struct slice key, struct slice *value)
{
	const struct text_map *m = r->options->files != NULL ? address_files_map(r->options->files, map) : NULL;
	if (m == NULL || m->file.path[0] == '\0')
		return VERDICT_NO;
	enum fact_state state = text_map_find(m, key, value);
	facts_explain(&r->facts, m->file.path, key, state, *value);
	if (state == FACT_LATER)
		r->why = "a text file of the settings could not be read";
	return state == FACT_FOUND ? VERDICT_OK : state == FACT_NONE ? VERDICT_NO : VERDICT_LATER;
}

enum verdict
ask(struct resolution *r, enum map map, struct slice key, struct slice *value)
{
	if (key.len == 0)
		return VERDICT_NO;
	enum verdict v = ask_file(r, map, key, value);
	if (v != VERDICT_NO || is_of_files(r, map))
		return v;
	const struct fact *f = facts_ask(&r->facts, map, key);
	if (f == NULL)
		return VERDICT_WAIT;
	if (f->state == FACT_LATER)
		r->why = "a table could not be asked";
	*value = str_slice(&f->value);
	return f->state == FACT_FOUND ? VERDICT_OK : f->state == FACT_NONE ? VERDICT_NO : VERDICT_LATER;
}

static enum verdict
ask_as_written(struct resolution *r, enum map map, const struct parts *p, struct slice *value)
{
	enum verdict v = ask(r, map, str_slice(&p->full), value);
	if (v == VERDICT_NO)
		v = ask(r, map, str_slice(&p->base), value);
	return v == VERDICT_NO ? ask(r, map, str_slice(&p->catch_all), value) : v;
}

enum verdict
ask_in_forms(struct resolution *r, enum map map, const struct parts *p, question_of_form *question, struct slice *value)
{
	enum verdict v = question(r, map, p, value);
	for (int form = 0; v == VERDICT_NO && form < FORM_COUNT; form++) {
		struct parts other;
		if (!parts_in_form(p, (enum domain_form)form, r->options->recipient_delimiter, &other))
			continue;
		v = question(r, map, &other, value);
		parts_free(&other);
	}
	return v;
}

enum verdict
ask_address(struct resolution *r, enum map map, const struct parts *p, struct slice *value)
{
	return ask_in_forms(r, map, p, ask_as_written, value);
}
