#include "lib/store/quota_warning.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/base/settings.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded.h"
#include "lib/store/save.h"

#define LINE_MOST    900
#define MESSAGE_MOST (256u << 10)

static const char built_in[] =
    "Subject: Your mailbox is $percent % full\n"
    "From: Mail System\n"
    "\n"
    "Your mailbox $user is $percent % full: it holds $used in $messages messages.\n"
    "\n"
    "When it is full no more mail can be delivered to you. Please delete what you\n"
    "no longer need, and remember to empty the trash.\n"
    "\n"
    "This is the mail system of $hostname.\n";

static struct warning_template template;

/* --- words ------------------------------------------------------------------------- */

/* "95.3 MB" of 1024 times 1024 bytes. */
static void
append_size(struct str *into, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t tenths = 0;
	size_t i = 0;
	for (; bytes >= 1024 && i + 1 < sizeof units / sizeof *units; i++) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
	}
	str_append_number(into, bytes);
	if (i > 0)
		str_append_format(into, ".%u", (unsigned)tenths);
	str_append_format(into, " %s", units[i]);
}

static void
append_user(struct str *into, const struct warning_facts *f)
{
	str_append_text(into, f->user);
}

static void
append_percent(struct str *into, const struct warning_facts *f)
{
	str_append_number(into, f->percent);
}

static void
append_used(struct str *into, const struct warning_facts *f)
{
	append_size(into, f->used.bytes);
}

static void
append_limit(struct str *into, const struct warning_facts *f)
{
	append_size(into, f->limits.bytes);
}

static void
append_messages(struct str *into, const struct warning_facts *f)
{
	str_append_number(into, f->used.messages);
}

static void
append_message_limit(struct str *into, const struct warning_facts *f)
{
	str_append_number(into, f->limits.messages);
}

static void
append_hostname(struct str *into, const struct warning_facts *f)
{
	(void)f;
	str_append_text(into, host_name());
}

static void
append_dollar(struct str *into, const struct warning_facts *f)
{
	(void)f;
	str_append_byte(into, '$');
}

static const struct {
	const char *name;
	void (*append)(struct str *into, const struct warning_facts *f);
} words[] = {
    {"message_limit", append_message_limit}, {"messages", append_messages}, {"percent", append_percent}, {"user", append_user},
    {"used", append_used}, {"limit", append_limit}, {"hostname", append_hostname}, {"$", append_dollar},
};

/* The word that `text` begins with, behind the $: its index, or the number of words. */
static size_t
word_at(struct slice text)
{
	size_t i = 0, count = sizeof words / sizeof *words;
	while (i < count && !slice_starts(text, words[i].name))
		i++;
	return i;
}

static bool
is_known(struct slice text)
{
	for (size_t at = slice_find(text, '$'); at < text.len; at = slice_find(text, '$')) {
		size_t word = word_at(slice_from(text, at + 1));
		if (word == sizeof words / sizeof *words)
			return false;
		text = slice_from(text, at + 1 + strlen(words[word].name));
	}
	return true;
}

static void
fill(struct str *into, struct slice text, const struct warning_facts *f)
{
	for (;;) {
		size_t at = slice_find(text, '$');
		str_append_slice(into, slice_first(text, at));
		if (at == text.len)
			return;
		size_t word = word_at(slice_from(text, at + 1));
		if (word == sizeof words / sizeof *words)
			return;
		words[word].append(into, f);
		text = slice_from(text, at + 1 + strlen(words[word].name));
	}
}

/* --- the template --------------------------------------------------------------------- */

static bool
has_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\t')
			return true;
	return false;
}

static const char *
take_field(struct slice line, struct warning_template *t)
{
	struct slice *field = slice_starts_nocase(line, "Subject:") ? &t->subject : slice_starts_nocase(line, "From:") ? &t->from : NULL;
	if (field == NULL)
		return "before the empty line there may be Subject: and From: only";
	*field = slice_trim(slice_from(line, slice_find(line, ':') + 1));
	return line.len > LINE_MOST || has_control(line) ? "a line of the header is too long or has a control character in it" : NULL;
}

static const char *
check_text(struct slice text)
{
	struct slice line;
	while (slice_split(&text, '\n', &line))
		if (line.len > LINE_MOST || has_control(line))
			return "a line of the text is too long or has a control character in it";
	return NULL;
}

const char *
warning_parse(struct slice text, struct warning_template *t)
{
	struct slice line;
	*t = (struct warning_template){.from = slice_of("Mail System")};
	if (!address_is_utf8(text))
		return "it is not UTF-8";
	if (!is_known(text))
		return "there is a $ with no word of these: percent user used limit messages message_limit hostname, and $$ for a $";
	while (slice_split(&text, '\n', &line) && line.len > 0) {
		const char *why = take_field(line, t);
		if (why != NULL)
			return why;
	}
	t->text = text;
	if (t->subject.len == 0 || text.len == 0)
		return "write Subject: and its words, an empty line, and the text";
	return check_text(text);
}

bool
warning_prepare(const char *file)
{
	size_t len = 0;
	if (file[0] == '\0')
		return warning_parse(slice_of(built_in), &template) == NULL;
	char *text = settings_read_file(file, WARNING_TEMPLATE_MOST, &len);
	const char *why = text != NULL ? warning_parse(slice_make(text, len), &template) : "it cannot be read";
	if (why != NULL)
		log_error("setting-wrong", log_text("setting", "quota_warning_template"), log_text("file", file), log_text("reason", why),
		    log_text("hint", "correct that file, or remove the setting; see postern-deliver(8)"));
	return why == NULL;
}

/* --- the mail -------------------------------------------------------------------------- */

/* A field whose words are folded with CRLF; here lines end in LF. */
static void
add_field(struct str *into, const char *name, struct slice template_text, const struct warning_facts *f, const char *address)
{
	struct str filled = STR_MOST(MESSAGE_MOST), value = STR_MOST(MESSAGE_MOST);
	fill(&filled, template_text, f);
	if (address == NULL)
		encoded_unstructured(&value, strlen(name) + 1, str_slice(&filled));
	else
		encoded_phrase(&value, strlen(name) + 1, str_slice(&filled));
	str_append_format(into, "%s:", name);
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != '\r')
			str_append_byte(into, value.data[i]);
	if (address != NULL)
		str_append_format(into, " <%s@%s>", address, host_name());
	str_append_byte(into, '\n');
	into->failed = into->failed || filled.failed || value.failed;
	str_free(&filled);
	str_free(&value);
}

bool
warning_compose(struct str *into, const struct warning_template *t, const struct warning_facts *f)
{
	char id[25];
	random_letters(id, sizeof id - 1);
	str_append_text(into, "Return-Path: <>\n");
	str_append_format(into, "Delivered-To: %s\n", f->user);
	str_append_text(into, "Date: ");
	date_print(into, date_local(clock_unix()));
	str_append_byte(into, '\n');
	add_field(into, "From", t->from, f, "postmaster");
	str_append_format(into, "To: <%s>\n", f->user);
	add_field(into, "Subject", t->subject, f, NULL);
	str_append_format(into, "Message-ID: <%s@%s>\n", id, host_name());
	str_append_text(into, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	                      "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n");
	fill(into, t->text, f);
	if (!slice_ends(str_slice(into), "\n"))
		str_append_byte(into, '\n');
	return !into->failed;
}

static bool
store(struct save *s, const struct maildir *m, struct slice text)
{
	struct folder inbox;
	if (!folder_open(&inbox, m, slice_of("INBOX"), true))
		return false;
	bool ok = save_begin(s, &inbox);
	if (ok) {
		save_write(s, text.data, text.len);
		ok = save_finish(s, SAVE_NEW, 0, 0, 0);
	}
	folder_close(&inbox);
	return ok;
}

void
warning_send(struct save *s, const struct maildir *m, struct quota *q, const char *user)
{
	struct str text = STR_MOST(MESSAGE_MOST);
	const struct warning_facts f = {.user = user, .percent = q->crossed, .used = q->file.used, .limits = q->file.limits};
	bool ok = warning_compose(&text, &template, &f);
	if (ok) {
		const struct quota_amount size = {text.len, 1};
		quota_put(q, slice_of("INBOX"), size);
		ok = store(s, m, str_slice(&text));
		if (!ok)
			quota_give(q, slice_of("INBOX"), size);
		quota_done(q);
	}
	str_free(&text);
	if (ok)
		log_info("quota-warning", log_text("user", user), log_number("percent", (int64_t)f.percent), log_text("file", s->name));
	else
		log_error("quota-warning-failed", log_text("user", user), log_errno());
}
