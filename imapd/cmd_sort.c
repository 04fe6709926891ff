/* SORT: RFC 5256 section 3; RETURN: RFC 5267 section 3; DISPLAYFROM and DISPLAYTO: RFC 5957. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/progress.h"
#include "imapd/search_result.h"
#include "imapd/sort_key.h"
#include "lib/base/sort.h"
#include "lib/mail/header.h"

struct value {
	int64_t      number;
	struct slice text;
};

/* What the values of one message are made of. */
struct source {
	struct message *message;
	struct slice    header;
	bool            has_sent; /* the index knows when it was sent, so the header need not be read for that */
	int64_t         sent;
};

/* A message and a value for each criterion. */
struct entry {
	uint32_t     index;
	struct value values[];
};

static const char *const fields[] = {
	[SORT_CC] = "Cc", [SORT_FROM] = "From", [SORT_TO] = "To", [SORT_DISPLAY_FROM] = "From",
	[SORT_DISPLAY_TO] = "To", [SORT_SUBJECT] = "Subject",
};

struct sorting {
	struct entry              **entries;
	const struct sort_criteria *criteria;
};

static int
compare_values(const struct sort_criterion *c, const struct value *a, const struct value *b)
{
	int order = c->kind < SORT_CC ? (a->number > b->number) - (a->number < b->number) : slice_compare(a->text, b->text);
	return c->reverse ? -order : order;
}

static int
compare(const void *context, uint32_t a, uint32_t b)
{
	const struct sorting *s = context;
	const struct entry *x = s->entries[a], *y = s->entries[b];
	for (size_t i = 0; i < s->criteria->count; i++) {
		int order = compare_values(&s->criteria->list[i], &x->values[i], &y->values[i]);
		if (order != 0)
			return order;
	}
	return (x->index > y->index) - (x->index < y->index);
}

/* --- values ------------------------------------------------------------------------ */

static bool
make_text(enum sort_kind kind, struct slice header, struct str *text)
{
	struct header_field field;
	bool reply;
	str_clear(text);
	if (!header_find(header, fields[kind], &field))
		return true;
	if (kind == SORT_SUBJECT)
		return sort_subject(text, field.value, &reply);
	bool shown = kind == SORT_DISPLAY_FROM || kind == SORT_DISPLAY_TO;
	return shown ? sort_display(text, field.value) : sort_address(text, field.value);
}

static int64_t
date_of(struct session *s, const struct source *from)
{
	static const char *const name[] = {"Date"};
	struct slice date = slice_make(NULL, 0);
	if (from->has_sent)
		return from->sent;
	header_find_each(from->header, name, 1, &date);
	return sort_date(s, from->message, date);
}

static bool
make_value(struct session *s, const struct source *from, enum sort_kind kind, struct value *v)
{
	struct str text = STR_MOST(SORT_TEXT_MOST * 16);
	uint64_t size = 0;
	time_t when = 0;
	bool ok = true;
	switch (kind) {
	case SORT_ARRIVAL:
		folder_message_date(&s->view.folder, from->message, &when);
		v->number = when;
		return true;
	case SORT_SIZE:
		folder_message_size(&s->view.folder, from->message, &size);
		v->number = (int64_t)size;
		return true;
	case SORT_DATE:
		v->number = date_of(s, from);
		return true;
	default:
		ok = make_text(kind, from->header, &text);
		v->text = slice_make(ok ? scratch_copy(&s->scratch, str_slice(&text)) : NULL, text.len);
		str_free(&text);
		return ok && v->text.data != NULL;
	}
}

/* False: it cannot be read. */
static bool
find_source(struct session *s, const struct sort_criteria *criteria, struct source *from)
{
	bool dates = false, texts = false;
	for (size_t i = 0; i < criteria->count; i++) {
		dates = dates || criteria->list[i].kind == SORT_DATE;
		texts = texts || criteria->list[i].kind >= SORT_CC;
	}
	/* Before the header, which is good until the folder is asked for something else. */
	from->has_sent = dates && sort_sent(s, from->message, &from->sent);
	bool needed = texts || (dates && !from->has_sent);
	return !needed || match_header(s, from->message, &from->header);
}

/* NULL: no memory. A message that went or cannot be read is sorted as an empty one; `*failed` says so. */
static struct entry *
make_entry(struct session *s, const struct sort_criteria *criteria, uint32_t index, bool *failed)
{
	struct source from = {.message = &s->view.folder.messages[index], .header = slice_of("")};
	struct entry *e = scratch_take(&s->scratch, sizeof *e + criteria->count * sizeof *e->values);
	if (e == NULL)
		return NULL;
	e->index = index;
	if (!find_source(s, criteria, &from))
		*failed = *failed || errno != ENOENT;
	for (size_t i = 0; i < criteria->count; i++)
		if (!make_value(s, &from, criteria->list[i].kind, &e->values[i]))
			return NULL;
	return e;
}

/* False: no memory. */
static bool
sort(struct session *s, const struct sort_criteria *criteria, struct matches *found)
{
	struct entry **entries = scratch_take_array(&s->scratch, found->count + 1, sizeof *entries);
	uint32_t *places = scratch_take_array(&s->scratch, found->count + found->count / 2 + 1, sizeof *places);
	struct progress progress = progress_begin(found->count);
	for (size_t i = 0; entries != NULL && i < found->count; i++) {
		progress_at(&progress, s, i);
		if ((entries[i] = make_entry(s, criteria, found->indexes[i], &found->failed)) == NULL)
			return false;
	}
	if (entries == NULL || places == NULL)
		return false;
	for (size_t i = 0; i < found->count; i++)
		places[i] = (uint32_t)i;
	sort_places(places, found->count, places + found->count, compare, &(struct sorting){entries, criteria});
	for (size_t i = 0; i < found->count; i++)
		found->indexes[i] = entries[places[i]]->index;
	return true;
}

static struct answer
parse_and_sort(struct session *s, struct parser *p, struct search_return *r)
{
	const struct charset *charset = charset_default();
	struct sort_criteria criteria;
	struct search_key *program;
	struct matches found;
	struct answer answer;
	if (!parse_space(p) || !parse_search_return(p, r) || !parse_sort(p, &criteria) || !parse_space(p))
		return answer_bad(p->error);
	if (!parse_charset(p, &charset))
		return charset == NULL ? match_bad_charset(s) : answer_bad(p->error);
	if (!parse_space(p) || !parse_search(p, charset, &program, &r->modseq))
		return answer_bad(p->error);
	if (!match_all(s, program, &found, &answer))
		return answer;
	if (!sort(s, &criteria, &found)) {
		errno = ENOMEM;
		return answer_errno("sort");
	}
	r->sorted = true;
	return search_answer(s, r, &found);
}

struct answer
cmd_sort(struct session *s, struct parser *p)
{
	struct search_return r = {.given = false};
	struct answer answer = parse_and_sort(s, p, &r);
	search_forget(s, &r, &answer);
	return answer;
}
