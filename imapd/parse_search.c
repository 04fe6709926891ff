#include "imapd/parse_search.h"

#include "imapd/parse_select.h"
#include "lib/mail/casemap.h"
#include "lib/store/name.h"

#define NO_MEMORY "the command needs too much memory"

enum argument { NONE, STRING, HEADER_NAME, HEADER_AND_STRING, KEYWORD, SIZE, SECONDS, MODSEQ, DAY, UIDS, ONE_KEY, TWO_KEYS };

struct search_word {
	const char      *word;
	enum search_kind kind;
	enum argument    argument;
	bool             negate;
	uint8_t          flag;
	const char      *header;
};

static const struct search_word words[] = {
	{"ALL", SEARCH_ALL, NONE, false, 0, NULL},
	{"ANSWERED", SEARCH_FLAG, NONE, false, FLAG_ANSWERED, NULL},
	{"BCC", SEARCH_HEADER, STRING, false, 0, "Bcc"},
	{"BEFORE", SEARCH_BEFORE, DAY, false, 0, NULL},
	{"BODY", SEARCH_BODY, STRING, false, 0, NULL},
	{"CC", SEARCH_HEADER, STRING, false, 0, "Cc"},
	{"DELETED", SEARCH_FLAG, NONE, false, FLAG_DELETED, NULL},
	{"DRAFT", SEARCH_FLAG, NONE, false, FLAG_DRAFT, NULL},
	{"EMAILID", SEARCH_EMAILID, KEYWORD, false, 0, NULL},
	{"FLAGGED", SEARCH_FLAG, NONE, false, FLAG_FLAGGED, NULL},
	{"FROM", SEARCH_HEADER, STRING, false, 0, "From"},
	{"HEADER", SEARCH_HEADER, HEADER_AND_STRING, false, 0, NULL},
	{"KEYWORD", SEARCH_KEYWORD, KEYWORD, false, 0, NULL},
	{"LARGER", SEARCH_LARGER, SIZE, false, 0, NULL},
	{"MODSEQ", SEARCH_MODSEQ, MODSEQ, false, 0, NULL},
	{"NEW", SEARCH_NEW, NONE, false, 0, NULL},
	{"NOT", SEARCH_NOT, ONE_KEY, false, 0, NULL},
	{"OLD", SEARCH_RECENT, NONE, true, 0, NULL},
	{"OLDER", SEARCH_OLDER, SECONDS, false, 0, NULL},
	{"ON", SEARCH_ON, DAY, false, 0, NULL},
	{"OR", SEARCH_OR, TWO_KEYS, false, 0, NULL},
	{"RECENT", SEARCH_RECENT, NONE, false, 0, NULL},
	{"SAVEDATESUPPORTED", SEARCH_ALL, NONE, false, 0, NULL}, /* every folder has save dates */
	{"SAVEDBEFORE", SEARCH_SAVED_BEFORE, DAY, false, 0, NULL},
	{"SAVEDON", SEARCH_SAVED_ON, DAY, false, 0, NULL},
	{"SAVEDSINCE", SEARCH_SAVED_SINCE, DAY, false, 0, NULL},
	{"SEEN", SEARCH_FLAG, NONE, false, FLAG_SEEN, NULL},
	{"SENTBEFORE", SEARCH_SENT_BEFORE, DAY, false, 0, NULL},
	{"SENTON", SEARCH_SENT_ON, DAY, false, 0, NULL},
	{"SENTSINCE", SEARCH_SENT_SINCE, DAY, false, 0, NULL},
	{"SINCE", SEARCH_SINCE, DAY, false, 0, NULL},
	{"SMALLER", SEARCH_SMALLER, SIZE, false, 0, NULL},
	{"SUBJECT", SEARCH_HEADER, STRING, false, 0, "Subject"},
	{"TEXT", SEARCH_TEXT, STRING, false, 0, NULL},
	{"THREADID", SEARCH_THREADID, KEYWORD, false, 0, NULL},
	{"TO", SEARCH_HEADER, STRING, false, 0, "To"},
	{"UID", SEARCH_UIDS, UIDS, false, 0, NULL},
	{"UNANSWERED", SEARCH_FLAG, NONE, true, FLAG_ANSWERED, NULL},
	{"UNDELETED", SEARCH_FLAG, NONE, true, FLAG_DELETED, NULL},
	{"UNDRAFT", SEARCH_FLAG, NONE, true, FLAG_DRAFT, NULL},
	{"UNFLAGGED", SEARCH_FLAG, NONE, true, FLAG_FLAGGED, NULL},
	{"UNKEYWORD", SEARCH_KEYWORD, KEYWORD, true, 0, NULL},
	{"UNSEEN", SEARCH_FLAG, NONE, true, FLAG_SEEN, NULL},
	{"YOUNGER", SEARCH_YOUNGER, SECONDS, false, 0, NULL},
};

struct search_parser {
	struct parser        *p;
	const struct charset *charset;
	size_t                keys;
	size_t                depth;
	bool                  modseq;
};

static struct search_key *parse_key(struct search_parser *s);

static struct search_key *
new_key(struct search_parser *s, enum search_kind kind)
{
	if (++s->keys > SEARCH_KEYS_MOST) {
		parse_fail(s->p, "there are too many search keys");
		return NULL;
	}
	struct search_key *key = scratch_take(s->p->scratch, sizeof *key);
	if (key == NULL)
		parse_fail(s->p, NO_MEMORY);
	else
		key->kind = kind;
	return key;
}

/* Keys with spaces between them, as children of one SEARCH_AND. */
static struct search_key *
parse_keys(struct search_parser *s)
{
	struct search_key *all = new_key(s, SEARCH_AND);
	if (all == NULL)
		return NULL;
	struct search_key **next = &all->child;
	do {
		*next = parse_key(s);
		if (*next == NULL)
			return NULL;
		next = &(*next)->next;
	} while (parse_maybe(s->p, ' '));
	return all;
}

static struct search_key *
parse_numbers(struct search_parser *s)
{
	bool saved = cursor_peek(&s->p->c) == '$'; /* holds UIDs */
	struct search_key *key = new_key(s, saved ? SEARCH_UIDS : SEARCH_NUMBERS);
	return key != NULL && parse_sequence_set(s->p, &key->set) ? key : NULL;
}

/* SP key [SP key] */
static bool
parse_children(struct search_parser *s, struct search_key *key, bool two)
{
	if (!parse_space(s->p) || (key->child = parse_key(s)) == NULL)
		return false;
	if (!two)
		return true;
	return parse_space(s->p) && (key->child->next = parse_key(s)) != NULL;
}

static bool
fold(const struct charset *charset, struct slice text, struct str *folded)
{
	struct str utf8 = STR_MOST(folded->limit);
	bool ok = charset_append(charset, text, &utf8) && casemap_append(folded, str_slice(&utf8));
	str_free(&utf8);
	return ok;
}

/* A string, as it is looked for. */
static bool
parse_needle(struct search_parser *s, struct search_key *key)
{
	struct slice text;
	if (!parse_space(s->p) || !parse_astring(s->p, &text))
		return false;
	struct str folded = STR_MOST(text.len * 4 * CASEMAP_GROWTH);
	key->needle = scratch_take(s->p->scratch, sizeof *key->needle);
	char *kept = fold(s->charset, text, &folded) ? scratch_copy(s->p->scratch, str_slice(&folded)) : NULL;
	if (key->needle != NULL && kept != NULL)
		needle_make(key->needle, slice_make(kept, folded.len));
	str_free(&folded);
	return (key->needle != NULL && kept != NULL) || parse_fail(s->p, NO_MEMORY);
}

/* [SP entry-name SP entry-type] SP mod-sequence: all flags of a message have one mod-sequence, so the entry does not matter. */
static bool
parse_modseq_key(struct search_parser *s, struct search_key *key)
{
	struct parser *p = s->p;
	struct slice entry;
	s->modseq = true;
	if (!parse_space(p))
		return false;
	if (cursor_peek(&p->c) == '"') {
		if (!parse_string(p, &entry) || !parse_space(p))
			return false;
		if (!parse_word(p, "priv") && !parse_word(p, "shared") && !parse_word(p, "all"))
			return parse_fail(p, "priv, shared or all is missing");
		if (!parse_space(p))
			return false;
	}
	return parse_modseq_or_zero(p, &key->number);
}

static bool
parse_argument(struct search_parser *s, struct search_key *key, enum argument argument)
{
	struct parser *p = s->p;
	switch (argument) {
	case NONE:
		return true;
	case STRING:
		return parse_needle(s, key);
	case HEADER_NAME:
		return parse_space(p) && parse_astring(p, &key->name);
	case HEADER_AND_STRING:
		return parse_argument(s, key, HEADER_NAME) && parse_argument(s, key, STRING);
	case KEYWORD:
		return parse_space(p) && parse_atom(p, &key->name);
	case SIZE:
		return parse_space(p) && parse_number(p, INT64_MAX, &key->number);
	case SECONDS:
		return parse_space(p) && parse_nz_number(p, UINT32_MAX, &key->number);
	case MODSEQ:
		return parse_modseq_key(s, key);
	case DAY:
		return parse_space(p) && parse_date(p, &key->day);
	case UIDS:
		return parse_space(p) && parse_sequence_set(p, &key->set);
	case ONE_KEY:
		return parse_children(s, key, false);
	case TWO_KEYS:
		return parse_children(s, key, true);
	}
	return false;
}

static struct search_key *
negated(struct search_parser *s, struct search_key *key)
{
	struct search_key *not = new_key(s, SEARCH_NOT);
	if (not != NULL)
		not->child = key;
	return not;
}

static bool
is_word(int byte)
{
	return ascii_is_alpha(byte);
}

static struct search_key *
parse_word_key(struct search_parser *s)
{
	struct slice name = cursor_take_while(&s->p->c, is_word);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const struct search_word *w = &words[i];
		if (!slice_is_nocase(name, w->word))
			continue;
		struct search_key *key = new_key(s, w->kind);
		if (key == NULL)
			return NULL;
		key->flag = w->flag;
		key->name = slice_of(w->header);
		if (!parse_argument(s, key, w->argument))
			return NULL;
		return w->negate ? negated(s, key) : key;
	}
	parse_fail(s->p, "there is an unknown search key");
	return NULL;
}

static struct search_key *
parse_key(struct search_parser *s)
{
	struct search_key *key = NULL;
	int next = cursor_peek(&s->p->c);
	if (++s->depth > SEARCH_NESTING_MOST) {
		parse_fail(s->p, "the search is nested too deep");
	} else if (parse_maybe(s->p, '(')) {
		key = parse_keys(s);
		if (key != NULL && !parse_byte(s->p, ')'))
			key = NULL;
	} else if (ascii_is_digit(next) || next == '*' || next == '$') {
		key = parse_numbers(s);
	} else {
		key = parse_word_key(s);
	}
	s->depth--;
	return key;
}

/* Of the names that a message may bear: a client's are held to what can be one, the reader of mail forgives more. */
static bool
is_charset(int byte)
{
	return byte > 0x20 && byte < 0x7f;
}

bool
parse_charset(struct parser *p, const struct charset **charset)
{
	struct slice name;
	*charset = charset_default();
	if (!parse_astring(p, &name))
		return false;
	struct cursor c = cursor_over(name);
	cursor_take_while(&c, is_charset);
	*charset = cursor_at_end(&c) ? charset_find(name) : NULL;
	return *charset != NULL || parse_fail(p, "the charset is not known");
}

bool
parse_search_charset(struct parser *p, const struct charset **charset)
{
	*charset = charset_default();
	if (!parse_word(p, "CHARSET"))
		return true;
	return parse_space(p) && parse_charset(p, charset) && parse_space(p);
}

bool
parse_search(struct parser *p, const struct charset *charset, struct search_key **program, bool *modseq)
{
	struct search_parser s = {.p = p, .charset = charset};
	*program = parse_keys(&s);
	*modseq = s.modseq;
	return *program != NULL && parse_end(p);
}
