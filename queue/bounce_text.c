/* The part for people: the administrator's words, with the recipients and what became of each. */
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded.h"
#include "queue/bounce.h"

#define PEOPLE_MOST   (512u << 10) /* so much is listed of a kind; the rest is counted */
#define TEXT_MOST     (4u << 20)   /* before it is encoded */
#define ADDRESS_SHOWN 900          /* of one that is longer than addresses are */
#define INDENT        "   "        /* and the space before a word */

/* --- words ---------------------------------------------------------------------------- */

/* "45m", "4h", "5d": as settings are written, so that it needs no language. */
static void
append_span(struct str *into, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		char     unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;
	while (i < 3 && seconds < (i == 0 ? 2 : 1) * units[i].seconds)
		i++;
	str_append_number(into, seconds / units[i].seconds);
	str_append_byte(into, units[i].unit);
}

static uint64_t
waited(const struct bounce *b)
{
	int64_t arrival = (int64_t)(b->file->arrival / 1000000);
	return b->now > arrival ? (uint64_t)(b->now - arrival) : 0;
}

static void
append_word(struct str *into, const struct bounce *b, enum template_word word, size_t more)
{
	char id[ID_LETTERS + 1];
	id_print(b->file->id, id);
	switch (word) {
	case WORD_HOSTNAME:
		str_append_text(into, b->hostname);
		break;
	case WORD_QUEUE_ID:
		str_append_text(into, id);
		break;
	case WORD_SENDER:
		bounce_clean(into, slice_first(b->file->sender, ADDRESS_PATH_MOST), true);
		break;
	case WORD_ARRIVAL:
		date_print(into, date_local((int64_t)(b->file->arrival / 1000000)));
		break;
	case WORD_DELAY:
		append_span(into, waited(b));
		break;
	case WORD_DELAY_HOURS:
		str_append_number(into, waited(b) / 3600);
		break;
	case WORD_LIFE:
		append_span(into, b->life);
		break;
	case WORD_LIFE_DAYS:
		str_append_number(into, b->life / 86400);
		break;
	case WORD_MORE:
		str_append_number(into, more);
		break;
	case WORD_DOLLAR:
		str_append_byte(into, '$');
		break;
	case WORD_RECIPIENTS:
	case TEMPLATE_WORDS:
		break;
	}
}

static void
append_filled(struct str *into, const struct bounce *b, struct slice line, size_t more)
{
	struct slice piece;
	enum template_word word;
	while (bounce_template_next(&line, &piece, &word)) {
		str_append_slice(into, piece);
		append_word(into, b, word, more);
	}
}

void
bounce_fill(struct str *into, const struct bounce *b, struct slice line)
{
	str_clear(into);
	append_filled(into, b, line, 0);
}

/* --- the list --------------------------------------------------------------------------- */

static enum template_kind
kind_of(const struct bounce *b, enum report what)
{
	switch (what) {
	case REPORT_DELAYED:
		return TEMPLATE_DELAY;
	case REPORT_DELIVERED:
	case REPORT_RELAYED:
	case REPORT_EXPANDED:
		return TEMPLATE_SUCCESS;
	default:
		return b->to_postmaster ? TEMPLATE_POSTMASTER : TEMPLATE_FAILURE;
	}
}

static void
add_recipient(struct str *s, const struct bounce_template *t, const struct file_recipient *r, enum report what)
{
	static const enum template_field words[] = {[REPORT_FAILED] = TEMPLATE_FIELDS, [REPORT_DELAYED] = TEMPLATE_FIELDS,
	    [REPORT_DELIVERED] = FIELD_DELIVERED, [REPORT_RELAYED] = FIELD_RELAYED, [REPORT_EXPANDED] = FIELD_EXPANDED};
	struct str line = STR_MOST(8192);
	str_append_text(s, "  ");
	bounce_clean(s, slice_first(r->address, ADDRESS_SHOWN), true);
	str_append_text(s, "\r\n");
	if (words[what] != TEMPLATE_FIELDS) {
		str_append_text(s, INDENT " ");
		str_append_slice(s, t->field[words[what]]);
		str_append_text(s, "\r\n");
	}
	if (what != REPORT_EXPANDED) {
		bounce_clean(&line, r->code, false);
		str_append_byte(&line, ' ');
		bounce_clean(&line, slice_first(r->text, FILE_TEXT_WIDTH), false);
		str_append_text(s, INDENT);
		folded_append(s, strlen(INDENT), str_slice(&line), INDENT);
		str_append_text(s, "\r\n");
	}
	str_free(&line);
}

static void
add_list(struct str *s, const struct bounce *b, enum template_kind kind)
{
	const struct bounce_template *t = &b->templates->of[kind];
	size_t unnamed = 0, named = 0, start = s->len;
	for (size_t i = 0; i < b->file->count; i++) {
		const struct file_recipient *r = &b->file->recipients[i];
		enum report what = report_of(b->file, r, b->late);
		if (what == REPORT_NOTHING || kind_of(b, what) != kind)
			continue;
		if (s->len - start > PEOPLE_MOST) {
			unnamed++;
			continue;
		}
		str_append_text(s, named++ > 0 ? "\r\n" : "");
		add_recipient(s, t, r, what);
	}
	if (unnamed == 0)
		return;
	str_append_text(s, "\r\n");
	append_filled(s, b, t->field[FIELD_MORE], unnamed);
	str_append_text(s, "\r\n");
}

/* --- the text ------------------------------------------------------------------------------ */

static bool
has_recipients_word(struct slice line)
{
	struct slice piece;
	enum template_word word;
	while (bounce_template_next(&line, &piece, &word))
		if (word == WORD_RECIPIENTS)
			return true;
	return false;
}

static void
add_words(struct str *s, const struct bounce *b, enum template_kind kind)
{
	struct slice text = b->templates->of[kind].text, line;
	bool listed = false;
	while (slice_split(&text, '\n', &line)) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (!listed && has_recipients_word(line)) {
			add_list(s, b, kind);
			listed = true;
			continue;
		}
		append_filled(s, b, line, 0);
		str_append_text(s, "\r\n");
	}
	if (!listed) {
		str_append_text(s, "\r\n");
		add_list(s, b, kind);
	}
}

static void
find_kinds(const struct bounce *b, bool kinds[TEMPLATE_KINDS])
{
	memset(kinds, 0, TEMPLATE_KINDS * sizeof *kinds);
	for (size_t i = 0; i < b->file->count; i++) {
		enum report what = report_of(b->file, &b->file->recipients[i], b->late);
		if (what != REPORT_NOTHING)
			kinds[kind_of(b, what)] = true;
	}
}

static const enum template_kind by_weight[] = {TEMPLATE_POSTMASTER, TEMPLATE_FAILURE, TEMPLATE_DELAY, TEMPLATE_SUCCESS};

enum template_kind
bounce_kind(const struct bounce *b)
{
	bool kinds[TEMPLATE_KINDS];
	find_kinds(b, kinds);
	for (size_t i = 0; i < TEMPLATE_KINDS; i++)
		if (kinds[by_weight[i]])
			return by_weight[i];
	return kind_of(b, REPORT_FAILED);
}

void
bounce_add_text(struct str *s, const struct bounce *b)
{
	struct str text = STR_MOST(TEXT_MOST);
	bool kinds[TEMPLATE_KINDS];
	find_kinds(b, kinds);
	for (size_t i = 0; i < TEMPLATE_KINDS; i++) {
		if (!kinds[by_weight[i]])
			continue;
		str_append_text(&text, text.len > 0 ? "\r\n" : "");
		add_words(&text, b, by_weight[i]);
	}
	bool plain = address_is_ascii(str_slice(&text)) && text_is_lines(str_slice(&text));
	str_append_text(s, "Content-Type: text/plain; charset=utf-8\r\n");
	str_append_format(s, "Content-Transfer-Encoding: %s\r\n\r\n", plain ? "7bit" : "quoted-printable");
	if (plain)
		str_append_slice(s, str_slice(&text));
	else
		quoted_printable_encode(s, str_slice(&text));
	s->failed = s->failed || text.failed;
	str_free(&text);
}
