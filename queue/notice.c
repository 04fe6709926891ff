#include "queue/notice.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/mail/date.h"

#define VALUE_MOST 513 /* of a value in the text, with its NUL: a line of a message has at most 998 octets */

static void
add_head(struct str *s, struct slice to, const char *hostname)
{
	char unique[17];
	random_letters(unique, 16);
	str_append_text(s, "Date: ");
	date_print(s, date_local(clock_unix()));
	str_append_format(s, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <", hostname);
	str_append_slice(s, to);
	str_append_text(s, ">\r\nSubject: Outgoing mail of a user is held\r\n");
	str_append_format(s, "Message-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", unique, hostname);
	str_append_text(s, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
}

static void
add_key(struct str *s, const char *label, const struct queue_file *f, const char *key)
{
	char value[VALUE_MOST];
	queue_file_with_text(f, key, value, sizeof value);
	str_append_format(s, "  %-12s%s\r\n", label, value);
}

static void
add_facts(struct str *s, const struct queue_file *f, const char *id)
{
	add_key(s, "Login:", f, "login");
	add_key(s, "Reason:", f, "hold");
	add_key(s, "Client:", f, "client");
	str_append_format(s, "  %-12s<", "Sender:");
	str_append_slice(s, slice_first(f->sender, VALUE_MOST));
	str_append_format(s, ">\r\n  %-12s%zu\r\n  %-12s%s\r\n", "Recipients:", f->count, "Queue id:", id);
}

bool
notice_compose(struct str *into, const struct queue_file *f, struct slice to, const char *hostname)
{
	char id[ID_LETTERS + 1];
	id_print(f->id, id);
	add_head(into, to, hostname);
	str_append_format(into, "This is the mail system of %s.\r\n\r\n", hostname);
	str_append_text(into,
	    "A user has sent to more recipients than a login may. His mail is kept in the\r\n"
	    "queue and not delivered until you say so; he was not told. So is all that he\r\n"
	    "sends beyond the limit from now on, without another notice for a while.\r\n\r\n");
	add_facts(into, f, id);
	str_append_format(into,
	    "\r\nIf somebody else has his password, change it first; then delete what is held:\r\n\r\n"
	    "  postern-queuectl delete %s\r\n\r\n"
	    "If the mail is what he means to send, release this message, or all that is held:\r\n\r\n"
	    "  postern-queuectl release %s\r\n"
	    "  postern-queuectl release all\r\n\r\n"
	    "What is held is shown by postern-mailq.\r\n", id, id);
	return !into->failed;
}
