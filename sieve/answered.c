/* Which messages vacation does not answer (RFC 5230 sections 4.5 and 4.6, RFC 3834 section 2). */
#include "lib/mail/address.h"
#include "lib/mail/blank.h"
#include "lib/mail/list.h"
#include "sieve/vacation.h"

/* --- the sender ----------------------------------------------------------------------------------- */

static bool
is_program(struct slice local)
{
	return slice_starts_nocase(local, "owner-") || slice_is_nocase(local, "mailer-daemon") || slice_is_nocase(local, "listserv") ||
	    slice_is_nocase(local, "majordomo") || slice_starts_nocase(local, "noreply") || slice_starts_nocase(local, "no-reply") ||
	    (local.len > 8 && slice_is_nocase(slice_from(local, local.len - 8), "-request"));
}

/* Two addresses are the same whatever the case of their letters: here a letter too few is better than one too many. */
static bool
same_address(struct slice a, struct slice b)
{
	return a.len > 0 && slice_equal_nocase(a, b);
}

static bool
is_own(const struct sieve_message *m, struct sieve_strings addresses, struct slice address)
{
	if (same_address(m->recipient, address) || same_address(m->address, address))
		return true;
	for (size_t i = 0; i < addresses.count; i++)
		if (same_address(addresses.items[i], address))
			return true;
	return false;
}

/* --- what the header says ---------------------------------------------------------------------------- */

static bool
is_word_byte(int byte)
{
	return ascii_is_alnum(byte) || byte == '-';
}

static struct slice
first_word(struct slice value)
{
	struct cursor c = cursor_over(value);
	blank_skip(&c);
	return cursor_take_while(&c, is_word_byte);
}

static bool
is_automatic(const struct sieve_field *f)
{
	struct slice word = first_word(f->raw);
	if (slice_is_nocase(f->name, "Auto-Submitted"))
		return !slice_is_nocase(word, "no");
	if (slice_is_nocase(f->name, "Precedence"))
		return slice_is_nocase(word, "bulk") || slice_is_nocase(word, "list") || slice_is_nocase(word, "junk");
	if (slice_is_nocase(f->name, "X-Auto-Response-Suppress"))
		return !slice_is_nocase(word, "None");
	return slice_starts_nocase(f->name, "List-");
}

/* An own address in one field of recipients. */
static bool
names_own(const struct sieve_message *m, struct sieve_strings addresses, struct slice value, struct str *own)
{
	struct mailbox_list list;
	struct mailbox mailbox;
	bool found = false;
	mailbox_list_begin(&list, value);
	while (!found && mailbox_list_next(&list, &mailbox)) {
		if (mailbox.kind != MAILBOX_ADDRESS)
			continue;
		str_clear(own);
		found = address_print(own, mailbox.local, mailbox.domain) && is_own(m, addresses, str_slice(own));
	}
	mailbox_list_end(&list);
	return found;
}

static bool
is_for_recipients(struct slice name)
{
	static const char *const names[] = {"To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return false;
}

const char *
sieve_not_answered(const struct sieve_message *m, struct sieve_strings addresses, struct str *own)
{
	struct address sender;
	bool personal = false;
	if (m->sender.len == 0 || address_parse(m->sender, ADDRESS_UTF8, &sender) != ADDRESS_OK)
		return "it has no sender";
	if (is_program(address_local(&sender)))
		return "its sender is a program";
	if (is_own(m, addresses, m->sender))
		return "its sender is the user";
	for (size_t i = 0; i < m->count; i++) {
		if (is_automatic(&m->fields[i]))
			return "it was sent by a program";
		if (!personal && is_for_recipients(m->fields[i].name))
			personal = names_own(m, addresses, m->fields[i].raw, own);
	}
	return personal ? NULL : "it does not name the user";
}
