#include "imapd/sort_key.h"

#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/list.h"
#include "lib/mail/subject.h"
#include "lib/mail/words.h"

/* The fold of as much of the text as counts. */
static bool
append_fold(struct str *into, struct slice text)
{
	size_t before = into->len;
	text = slice_first(text, SORT_TEXT_MOST);
	return casemap_append(into, slice_first(text, casemap_whole(text))) && into->len >= before;
}

bool
sort_address(struct str *into, struct slice value)
{
	struct mailbox_list list;
	struct mailbox m;
	bool ok = true;
	mailbox_list_begin(&list, value);
	if (mailbox_list_next(&list, &m))
		ok = append_fold(into, m.kind == MAILBOX_ADDRESS ? m.local : m.name);
	ok = ok && !list.failed;
	mailbox_list_end(&list);
	return ok;
}

/* RFC 5957 section 3: the name, or else "local@domain". */
static bool
display(struct str *into, const struct mailbox *m)
{
	struct str text = STR_MOST(4 * (m->name.len + m->local.len + m->domain.len) + 16);
	if (m->name.len > 0) {
		words_decode(&text, m->name);
	} else {
		str_append_slice(&text, m->local);
		str_append_text(&text, m->domain.len > 0 ? "@" : "");
		str_append_slice(&text, m->domain);
	}
	bool ok = !text.failed && append_fold(into, str_slice(&text));
	str_free(&text);
	return ok;
}

bool
sort_display(struct str *into, struct slice value)
{
	struct mailbox_list list;
	struct mailbox m;
	bool ok = true;
	mailbox_list_begin(&list, value);
	if (mailbox_list_next(&list, &m))
		ok = display(into, &m);
	ok = ok && !list.failed;
	mailbox_list_end(&list);
	return ok;
}

bool
sort_subject(struct str *into, struct slice value, bool *reply)
{
	struct str text = STR_MOST(4 * value.len + 16);
	bool ok = subject_text(&text, value);
	ok = ok && append_fold(into, subject_base(str_slice(&text), reply));
	str_free(&text);
	return ok;
}

static int64_t
internal_date(struct session *s, struct message *m)
{
	time_t when = 0;
	folder_message_date(&s->view.folder, m, &when);
	return when;
}

bool
sort_sent(struct session *s, struct message *m, int64_t *when)
{
	if (!folder_message_sent(&s->view.folder, m, when))
		return false;
	if (*when == INT64_MIN)
		*when = internal_date(s, m);
	return true;
}

int64_t
sort_date(struct session *s, struct message *m, struct slice date)
{
	struct date sent;
	return date_parse(date, &sent) ? sent.when : internal_date(s, m);
}
