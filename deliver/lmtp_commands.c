/* The commands of LMTP (RFC 2033 section 4; those of RFC 5321 but for HELO and EHLO, which it forbids). */
#include <string.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

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
	output_format(&s->out, "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE %llu\r\n",
	    s->config->hostname, (unsigned long long)s->config->message_size);
}

/* --- MAIL --------------------------------------------------------------------------- */

/* NULL when the parameter is right; else the answer, whose first byte is that of its code. */
static const char *
check_parameter(const struct lmtp_session *s, struct slice parameter)
{
	uint64_t size;
	size_t at = slice_find(parameter, '=');
	struct slice keyword = slice_first(parameter, at);
	struct slice value = slice_from(parameter, at + 1);
	if (slice_is_nocase(keyword, "SIZE")) {
		if (!number_parse(value, UINT64_MAX, &size))
			return "501 5.5.4 SIZE is not a number";
		return size <= s->config->message_size ? NULL : "552 5.3.4 The message is larger than the limit";
	}
	if (slice_is_nocase(keyword, "BODY"))
		return slice_is_nocase(value, "8BITMIME") || slice_is_nocase(value, "7BIT")
		    ? NULL : "501 5.5.4 BODY is neither 7BIT nor 8BITMIME";
	return "555 5.5.4 Unknown parameter";
}

/* True when all are right; else it has been answered. */
static bool
check_parameters(struct lmtp_session *s, struct slice rest, bool any)
{
	struct slice parameter;
	while (slice_split(&rest, ' ', &parameter)) {
		if (parameter.len == 0)
			continue;
		const char *answer = any ? check_parameter(s, parameter) : "555 5.5.4 Unknown parameter";
		if (answer == NULL)
			continue;
		output_format(&s->out, "%s\r\n", answer);
		return false;
	}
	return true;
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
	if (s->client[0] == '\0' || s->begun) {
		lmtp_error(s, 503, "5.5.1", s->begun ? "Not within a mail transaction" : "Say LHLO first");
		return;
	}
	if (s->services.lookup.lost || s->services.worker.lost) {
		lmtp_close(s, "4.3.2", "Service not available", "service-lost");
		return;
	}
	if (!take_path(s, argument, "FROM:", ADDRESS_NULL, &a, &rest) || !check_parameters(s, rest, true))
		return;
	lmtp_reset(s);
	if (!str_append_slice(&s->sender, address_text(&a))) {
		lmtp_reply(s, 451, "4.3.0", "No memory");
		return;
	}
	s->begun = true;
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
	if (!s->begun) {
		lmtp_error(s, 503, "5.5.1", "MAIL first");
		return;
	}
	if (!take_path(s, argument, "TO:", ADDRESS_POSTMASTER, &a, &rest) || !check_parameters(s, rest, false))
		return;
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
	{"LHLO", cmd_lhlo}, {"MAIL", cmd_mail}, {"RCPT", cmd_rcpt}, {"DATA", cmd_data}, {"RSET", cmd_rset},
	{"NOOP", cmd_noop}, {"VRFY", cmd_vrfy}, {"QUIT", cmd_quit},
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
