/* The commands of LMTP (RFC 2033 section 4, RFC 6531; those of RFC 5321 but for HELO and EHLO, which it forbids). */
#include <string.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "lib/mail/parameters.h"

typedef void command(struct lmtp_session *s, struct slice argument);

/* What a client calls itself goes into a header and the log: a name or literal and nothing else. */
static bool
is_name_byte(int c)
{
	return ascii_is_alnum(c) || (c > ' ' && c < 0x7f && strchr("-._:[]", c) != NULL);
}

static void
cmd_lhlo(struct lmtp_session *s, struct slice argument)
{
	struct cursor c = cursor_over(argument);
	struct slice name = cursor_take_while(&c, is_name_byte);
	if (name.len == 0 || name.len > LMTP_NAME_MOST || !cursor_at_end(&c)) {
		lmtp_error(s, 501, "5.5.4", "Syntax: LHLO name");
		return;
	}
	lmtp_reset(s);
	memcpy(s->client, name.data, name.len);
	s->client[name.len] = '\0';
	output_format(&s->out,
	    "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n250 SIZE %llu\r\n", s->config->hostname, (unsigned long long)s->config->message_size);
}

/* --- MAIL --------------------------------------------------------------------------- */

/* What SMTP knows (lib/mail/parameters.h) but for what is not offered here. True, or answered. */
static bool
take_parameters(struct lmtp_session *s, struct slice rest, bool ascii, struct mail_parameters *said)
{
	const struct parameter_facts facts = {.message_size = s->config->message_size, .esmtp = true};
	struct parameter_problem p = mail_parameters_read(said, rest, &facts);
	if (p.text == NULL && (said->ret[0] != '\0' || said->envid[0] != '\0'))
		p = (struct parameter_problem){555, "5.5.4", "Unknown parameter"};
	if (p.text == NULL && !ascii && !said->smtputf8)
		p = (struct parameter_problem){553, "5.6.7", address_problem(ADDRESS_NOT_ASCII)};
	if (p.text != NULL)
		lmtp_reply(s, p.code, p.status, p.text);
	return p.text == NULL;
}

/* The path behind "FROM:" or "TO:". True, or answered. */
static bool
take_path(struct lmtp_session *s, struct slice argument, const char *word, unsigned flags, struct address *a,
    struct slice *rest)
{
	struct cursor c = cursor_over(argument);
	if (!cursor_take_nocase(&c, word)) {
		lmtp_error(s, 501, "5.5.4", "Syntax: MAIL FROM:<address>, RCPT TO:<address>");
		return false;
	}
	enum address_result r = address_parse_path(c.rest, flags | ADDRESS_LOOSE, a, rest);
	if (r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG)
		return true;
	const char *code = flags & ADDRESS_NULL ? "5.1.7" : "5.1.3";
	lmtp_reply(s, r == ADDRESS_NOT_ASCII ? 553 : 501, r == ADDRESS_NOT_ASCII ? "5.6.7" : code, address_problem(r));
	return false;
}

static void
cmd_mail(struct lmtp_session *s, struct slice argument)
{
	struct address a;
	struct slice rest;
	struct mail_parameters said;
	if (s->client[0] == '\0' || s->begun) {
		lmtp_error(s, 503, "5.5.1", s->begun ? "Not within a mail transaction" : "Say LHLO first");
		return;
	}
	if (s->services.lookup.lost || !neighbour_is_there(&s->services.deliver)) {
		lmtp_close(s, "4.3.2", "Service not available", "service-lost");
		return;
	}
	if (!take_path(s, argument, "FROM:", ADDRESS_NULL | ADDRESS_UTF8, &a, &rest) ||
	    !take_parameters(s, rest, address_is_ascii(address_text(&a)), &said))
		return;
	lmtp_reset(s);
	if (!str_append_slice(&s->sender, address_text(&a))) {
		lmtp_reply(s, 451, "4.3.0", "No memory");
		return;
	}
	s->begun = true;
	s->smtputf8 = said.smtputf8;
	lmtp_reply(s, 250, "2.1.0", "Ok");
}

/* --- RCPT --------------------------------------------------------------------------- */

/* Both parts or none. */
static bool
keep(struct lmtp_session *s, struct slice address)
{
	size_t before = s->recipients.len;
	if (str_append_slice(&s->recipients, address) && str_append_byte(&s->recipients, '\0')) {
		s->recipient_count++;
		return true;
	}
	s->recipients.failed = false;
	str_truncate(&s->recipients, before);
	return false;
}

static void
cmd_rcpt(struct lmtp_session *s, struct slice argument)
{
	struct address a;
	struct slice rest;
	if (!s->begun || s->text.begun) {
		lmtp_error(s, 503, "5.5.1", s->begun ? "The message has begun" : "MAIL first");
		return;
	}
	if (!take_path(s, argument, "TO:", ADDRESS_POSTMASTER | (s->smtputf8 ? ADDRESS_UTF8 : 0), &a, &rest))
		return;
	if (slice_trim(rest).len > 0) {
		lmtp_reply(s, 555, "5.5.4", "Unknown parameter");
		return;
	}
	if (!address_complete(&a, s->config->hostname)) {
		lmtp_reply(s, 501, "5.1.3", "A domain is missing");
		return;
	}
	struct outcome o = outcome_make("4.5.3", "Too many recipients");
	if (s->recipient_count < s->config->recipients_limit)
		o = lmtp_ask_recipient(s, address_text(&a));
	if (outcome_is_done(&o) && !keep(s, address_text(&a)))
		o = outcome_make("4.5.3", "Too many recipients");
	if (!outcome_is_done(&o))
		log_info("refused", log_slice("from", str_slice(&s->sender)), log_slice("to", address_text(&a)),
		    log_text("code", o.code), log_text("reason", o.text));
	lmtp_reply_outcome(s, &o, NULL);
}

/* --- the rest ------------------------------------------------------------------------ */

static void
cmd_data(struct lmtp_session *s, struct slice argument)
{
	if (argument.len > 0)
		lmtp_error(s, 501, "5.5.4", "This command takes no argument");
	else if (!s->begun || s->recipient_count == 0) /* RFC 2033 section 4.2: 503, since there would be no answers */
		lmtp_error(s, 503, "5.5.1", s->begun ? "No valid recipients" : "MAIL first");
	else if (s->text.begun)
		lmtp_error(s, 503, "5.5.1", "The message comes by BDAT");
	else
		lmtp_data(s);
}

static void
cmd_rset(struct lmtp_session *s, struct slice argument)
{
	(void)argument;
	lmtp_reset(s);
	lmtp_reply(s, 250, "2.0.0", "Ok");
}

static void
cmd_noop(struct lmtp_session *s, struct slice argument)
{
	(void)argument;
	lmtp_reply(s, 250, "2.0.0", "Ok");
}

static void
cmd_vrfy(struct lmtp_session *s, struct slice argument)
{
	if (argument.len == 0)
		lmtp_error(s, 501, "5.5.4", "Syntax: VRFY address");
	else
		lmtp_reply(s, 252, "2.5.0", "Send some mail and see");
}

static void
cmd_quit(struct lmtp_session *s, struct slice argument)
{
	(void)argument;
	lmtp_reply(s, 221, "2.0.0", "Bye");
	s->closing = true;
	s->end = "quit";
}

static const struct {
	const char *name;
	command    *run;
} commands[] = {
	{"LHLO", cmd_lhlo}, {"MAIL", cmd_mail}, {"RCPT", cmd_rcpt}, {"DATA", cmd_data}, {"BDAT", lmtp_bdat},
	{"RSET", cmd_rset}, {"NOOP", cmd_noop}, {"VRFY", cmd_vrfy}, {"QUIT", cmd_quit},
};

void
lmtp_command(struct lmtp_session *s, struct slice line)
{
	size_t space = slice_find(line, ' ');
	struct slice name = slice_first(line, space);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (slice_is_nocase(name, commands[i].name)) {
			commands[i].run(s, slice_trim(slice_from(line, space)));
			return;
		}
	bool smtp = slice_is_nocase(name, "EHLO") || slice_is_nocase(name, "HELO");
	lmtp_error(s, 500, "5.5.1", smtp ? "This is LMTP: say LHLO" : "Command not recognized");
}
