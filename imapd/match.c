#include "imapd/match.h"

#include <errno.h>

#include "imapd/objectid.h"
#include "imapd/progress.h"
#include "imapd/prefilter.h"
#include "imapd/text_search.h"
#include "lib/base/clock.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"

struct search {
	struct session *session;
	const struct search_key *program;
	int64_t         now;
	bool            failed;      /* a message could not be read */
	bool            has_header;  /* of the message under way */
	struct slice    header;
	struct text_search text;
	struct prefilter prefilter;
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
	return key->kind == SEARCH_LARGER ? size > key->number : size < key->number;
}

static bool
day_matches(enum search_kind kind, int64_t day, int64_t wanted)
{
	switch (kind) {
	case SEARCH_BEFORE:
	case SEARCH_SENT_BEFORE:
	case SEARCH_SAVED_BEFORE:
		return day < wanted;
	case SEARCH_ON:
	case SEARCH_SENT_ON:
	case SEARCH_SAVED_ON:
		return day == wanted;
	default:
		return day >= wanted;
	}
}

/* The internal date, or when it was saved here; where that is not known RFC 8514 takes the internal date. */
static bool
time_matches(struct search *s, const struct search_key *key, struct message *m, bool saved)
{
	time_t when;
	if (!(saved && folder_message_save_date(m, &when)) && !folder_message_date(&s->session->view.folder, m, &when))
		return false;
	if (key->kind == SEARCH_OLDER)
		return when <= s->now - (int64_t)key->number;
	if (key->kind == SEARCH_YOUNGER)
		return when >= s->now - (int64_t)key->number;
	return day_matches(key->kind, date_day(date_local(when)), key->day);
}

/* --- what needs the header or the file --------------------------------------------- */

static bool
open_message(struct search *s, struct message *m)
{
	if (body_open(&s->session->body, &s->session->view.folder, m))
		return true;
	s->failed = s->failed || errno != ENOENT;
	return false;
}

bool
match_header(struct session *s, struct message *m, struct slice *header)
{
	struct folder *folder = &s->view.folder;
	struct message_texts texts;
	if (!folder_message_texts(folder, m, &texts)) {
		if (!body_open(&s->body, folder, m))
			return false;
		bool whole = s->body.text.len == s->body.size;
		if (!whole || !folder_message_learn(folder, m, s->body.text, &texts))
			texts.header = slice_first(s->body.text, header_end(s->body.text));
	}
	*header = texts.header;
	return true;
}

static bool
get_header(struct search *s, struct message *m)
{
	if (!s->has_header)
		s->has_header = match_header(s->session, m, &s->header);
	s->failed = s->failed || (!s->has_header && errno != ENOENT);
	return s->has_header;
}

static bool
sent_date_matches(struct search *s, const struct search_key *key, struct message *m)
{
	struct header_field field;
	struct date date;
	if (!get_header(s, m) || !header_find(s->header, "Date", &field) || !date_parse(field.value, &date))
		return false;
	return day_matches(key->kind, date_day(date), key->day);
}

static bool
is_found(struct search *s, enum text_found found)
{
	s->failed = s->failed || found == TEXT_FAILED;
	return found == TEXT_FOUND;
}

static bool
id_matches(struct search *s, const struct search_key *key, struct message *m)
{
	char id[OBJECTID_MOST + 1];
	if (key->kind == SEARCH_EMAILID)
		objectid_message(m, id);
	else if (get_header(s, m))
		objectid_thread(m, s->header, id);
	else
		return false;
	return slice_is(key->name, id);
}

static bool
header_matches(struct search *s, const struct search_key *key, struct message *m)
{
	if (folder_header_kept(key->name))
		return get_header(s, m) && is_found(s, text_in_field(&s->text, s->header, key->name, key->needle));
	return open_message(s, m) && is_found(s, text_in_field(&s->text, s->session->body.text, key->name, key->needle));
}

static bool
text_matches(struct search *s, const struct search_key *key, const struct candidate *c)
{
	struct body *b = &s->session->body;
	size_t index = c->number - 1;
	bool whole;
	if (prefilter_excludes(&s->prefilter, s->session, s->program, key->needle, index) || !open_message(s, c->message))
		return false;
	struct trigrams *trigrams = prefilter_gather(&s->prefilter, b, index);
	enum text_found found = text_in_message(&s->text, b, key->needle, key->kind == SEARCH_TEXT, trigrams, &whole);
	if (found == TEXT_ABSENT && whole)
		prefilter_learn(&s->prefilter, s->session, b, index);
	return is_found(s, found);
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
	case SEARCH_NEW:
		return m->recent && !(m->flags & FLAG_SEEN);
	case SEARCH_KEYWORD:
		return has_keyword(s, key, m);
	case SEARCH_NUMBERS:
		return sequence_has(&key->set, c->number);
	case SEARCH_UIDS:
		return sequence_has(&key->set, m->uid);
	case SEARCH_MODSEQ:
		return m->modseq == 0 || m->modseq >= key->number;
	case SEARCH_EMAILID:
	case SEARCH_THREADID:
		return id_matches(s, key, m);
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
		return size_matches(s, key, m);
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
	case SEARCH_OLDER:
	case SEARCH_YOUNGER:
		return time_matches(s, key, m, false);
	case SEARCH_SAVED_BEFORE:
	case SEARCH_SAVED_ON:
	case SEARCH_SAVED_SINCE:
		return time_matches(s, key, m, true);
	case SEARCH_SENT_BEFORE:
	case SEARCH_SENT_ON:
	case SEARCH_SENT_SINCE:
		return sent_date_matches(s, key, m);
	case SEARCH_HEADER:
		return header_matches(s, key, m);
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return text_matches(s, key, c);
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

bool
match_all(struct session *s, struct search_key *program, struct matches *found, struct answer *answer)
{
	struct search search = {.session = s, .program = program, .now = clock_unix()};
	*found = (struct matches){.count = 0};
	if (!search_allowed(s, program, answer))
		return false;
	if (!resolve(s, program)) {
		*answer = answer_bad("there is no such message");
		return false;
	}
	found->indexes = scratch_take_array(&s->scratch, s->view.announced + 1, sizeof *found->indexes);
	if (found->indexes == NULL) {
		errno = ENOMEM;
		*answer = answer_errno("search");
		return false;
	}
	search_cheap_first(program);
	struct progress progress = progress_begin(s->view.announced);
	for (size_t i = 0; i < s->view.announced && !s->out.failed; i++) {
		progress_at(&progress, s, i);
		struct candidate c = {&s->view.folder.messages[i], (uint32_t)i + 1};
		search.has_header = false;
		if (!c.message->vanished && matches(&search, program, &c))
			found->indexes[found->count++] = (uint32_t)i;
	}
	text_search_end(&search.text);
	prefilter_end(&search.prefilter);
	found->failed = search.failed;
	return true;
}

struct answer
match_bad_charset(struct session *s)
{
	struct str code = STR_MOST(4096);
	const char *name;
	str_append_text(&code, "BADCHARSET (");
	for (size_t i = 0; (name = charset_name(i)) != NULL; i++) {
		str_append_text(&code, i > 0 ? " " : "");
		str_append_text(&code, name);
	}
	str_append_text(&code, ")");
	const char *kept = scratch_copy(&s->scratch, str_slice(&code));
	str_free(&code);
	return answer_no(kept != NULL ? kept : "BADCHARSET", "the charset is not known");
}
