/* SEARCH: RFC 3501 section 6.4.4. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/find.h"
#include "imapd/parse_search.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"

struct search {
	struct session *session;
	struct str      line;   /* a header value, unfolded */
	bool            failed; /* a message could not be read */
};

struct candidate {
	struct message *message;
	uint32_t        number;
};

static bool matches(struct search *s, const struct search_key *key, const struct candidate *c);

/* --- what needs no file --------------------------------------------------------- */

static bool
has_keyword(const struct search *s, const struct search_key *key, const struct message *m)
{
	int bit = folder_keyword(&s->session->view.folder, key->name, false);
	return bit >= 0 && m->keywords & (1u << bit);
}

static bool
size_matches(struct search *s, const struct search_key *key, struct message *m)
{
	uint64_t size;
	if (!folder_message_size(&s->session->view.folder, m, &size))
		return false;
	return key->kind == SEARCH_LARGER ? size > key->size : size < key->size;
}

static bool
day_matches(enum search_kind kind, int64_t day, int64_t wanted)
{
	switch (kind) {
	case SEARCH_BEFORE:
	case SEARCH_SENT_BEFORE:
		return day < wanted;
	case SEARCH_ON:
	case SEARCH_SENT_ON:
		return day == wanted;
	default:
		return day >= wanted;
	}
}

static bool
internal_date_matches(struct search *s, const struct search_key *key, struct message *m)
{
	time_t when;
	if (!folder_message_date(&s->session->view.folder, m, &when))
		return false;
	return day_matches(key->kind, date_day(date_local(when)), key->day);
}

/* --- what needs the file ---------------------------------------------------------- */

static bool
open_message(struct search *s, struct message *m)
{
	if (body_open(&s->session->body, &s->session->view.folder, m))
		return true;
	s->failed = s->failed || errno != ENOENT;
	return false;
}

static bool
sent_date_matches(struct search *s, const struct search_key *key, struct message *m)
{
	struct header_field field;
	struct date date;
	if (!open_message(s, m) || !header_find(s->session->body.text, "Date", &field) || !date_parse(field.value, &date))
		return false;
	return day_matches(key->kind, date_day(date), key->day);
}

static bool
header_matches(struct search *s, const struct search_key *key, struct message *m)
{
	struct header_reader reader;
	struct header_field field;
	struct needle needle;
	if (!open_message(s, m))
		return false;
	needle_make(&needle, key->text);
	header_begin(&reader, s->session->body.text);
	while (header_next(&reader, &field)) {
		if (!slice_equal_nocase(field.name, key->name))
			continue;
		str_clear(&s->line);
		header_unfold(&s->line, field.value);
		if (needle_in(&needle, str_slice(&s->line)))
			return true;
	}
	return false;
}

static bool
text_matches(struct search *s, const struct search_key *key, struct message *m)
{
	struct needle needle;
	if (!open_message(s, m))
		return false;
	struct slice text = s->session->body.text;
	needle_make(&needle, key->text);
	return needle_in(&needle, key->kind == SEARCH_BODY ? slice_from(text, header_end(text)) : text);
}

/* --- the program ------------------------------------------------------------------- */

static bool
all_match(struct search *s, const struct search_key *first, const struct candidate *c)
{
	for (; first != NULL; first = first->next)
		if (!matches(s, first, c))
			return false;
	return true;
}

static bool
matches(struct search *s, const struct search_key *key, const struct candidate *c)
{
	struct message *m = c->message;
	switch (key->kind) {
	case SEARCH_ALL:
		return true;
	case SEARCH_AND:
		return all_match(s, key->child, c);
	case SEARCH_OR:
		return matches(s, key->child, c) || matches(s, key->child->next, c);
	case SEARCH_NOT:
		return !matches(s, key->child, c);
	case SEARCH_FLAG:
		return m->flags & key->flag;
	case SEARCH_RECENT:
		return m->recent;
	case SEARCH_KEYWORD:
		return has_keyword(s, key, m);
	case SEARCH_NUMBERS:
		return sequence_has(&key->set, c->number);
	case SEARCH_UIDS:
		return sequence_has(&key->set, m->uid);
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
		return size_matches(s, key, m);
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
		return internal_date_matches(s, key, m);
	case SEARCH_SENT_BEFORE:
	case SEARCH_SENT_ON:
	case SEARCH_SENT_SINCE:
		return sent_date_matches(s, key, m);
	case SEARCH_HEADER:
		return header_matches(s, key, m);
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return text_matches(s, key, m);
	}
	return false;
}

/* Binds sequence sets to the view. False: a message number beyond the folder. */
static bool
resolve(struct session *s, struct search_key *key)
{
	bool ok = true;
	if (key->kind == SEARCH_NUMBERS || key->kind == SEARCH_UIDS) {
		struct targets t = {.set = key->set, .by_uid = key->kind == SEARCH_UIDS};
		ok = targets_resolve(s, &t);
		key->set = t.set;
	}
	for (struct search_key *child = key->child; child != NULL; child = child->next)
		ok = resolve(s, child) && ok;
	return ok;
}

/* How dear a key is: the cheap ones are tried first. */
static int
cost(const struct search_key *key)
{
	int most = key->kind >= SEARCH_BODY ? 4 : key->kind >= SEARCH_SENT_BEFORE ? 3 : key->kind >= SEARCH_LARGER ? 2 : 1;
	for (const struct search_key *child = key->child; child != NULL; child = child->next) {
		int price = cost(child); /* asked once: twice would double with each level of nesting */
		most = price > most ? price : most;
	}
	return most;
}

/* Moves the children of the outermost SEARCH_AND into the order of their cost. */
static void
cheap_first(struct search_key *all)
{
	struct search_key *sorted = NULL, **end = &sorted;
	for (int price = 1; price <= 4; price++) {
		for (struct search_key **at = &all->child; *at != NULL;) {
			struct search_key *key = *at;
			if (cost(key) != price) {
				at = &key->next;
				continue;
			}
			*at = key->next;
			key->next = NULL;
			*end = key;
			end = &key->next;
		}
	}
	all->child = sorted;
}

static void
run(struct search *s, const struct search_key *program)
{
	struct session *session = s->session;
	output_text(&session->out, "* SEARCH");
	for (size_t i = 0; i < session->view.announced && !session->out.failed; i++) {
		struct candidate c = {&session->view.folder.messages[i], (uint32_t)i + 1};
		if (!c.message->vanished && matches(s, program, &c))
			output_format(&session->out, " %u", session->by_uid ? c.message->uid : c.number);
	}
	output_text(&session->out, "\r\n");
}

struct answer
cmd_search(struct session *s, struct parser *p)
{
	struct search search = {.session = s, .line = STR_MOST(1 << 20)};
	struct search_key *program;
	bool bad_charset = false;
	if (!parse_space(p) || !parse_search(p, &program, &bad_charset))
		return bad_charset ? answer_no("BADCHARSET (US-ASCII UTF-8)", "unknown charset") : answer_bad(p->error);
	if (!resolve(s, program))
		return answer_bad("there is no such message");
	cheap_first(program);
	run(&search, program);
	str_free(&search.line);
	return search.failed ? answer_no("UNAVAILABLE", "some messages could not be read") : answer_ok("done");
}
