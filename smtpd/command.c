#include "smtpd/command.h"

#include "lib/base/log.h"
#include "smtpd/early.h"
#include "smtpd/filters.h"
#include "smtpd/reply.h"

static const struct verb verbs[] = {
	{"EHLO", cmd_ehlo, VERB_IDLE | VERB_LAST},
	{"HELO", cmd_helo, VERB_IDLE | VERB_LAST},
	{"MAIL", cmd_mail, VERB_GREETED | VERB_TRUSTED | VERB_OUTSIDE},
	{"RCPT", cmd_rcpt, VERB_GREETED | VERB_TRUSTED | VERB_WHOLE},
	{"DATA", cmd_data, VERB_GREETED | VERB_TRUSTED | VERB_BARE | VERB_WHOLE | VERB_LAST},
	{"BDAT", cmd_bdat, VERB_GREETED | VERB_TRUSTED | VERB_CHUNK},
	{"RSET", cmd_rset, VERB_BARE | VERB_IDLE},
	{"NOOP", cmd_noop, VERB_IDLE | VERB_LAST},
	{"QUIT", cmd_quit, VERB_BARE | VERB_LAST},
	{"STARTTLS", cmd_starttls, VERB_GREETED | VERB_OUTSIDE | VERB_BARE},
	{"AUTH", cmd_auth, VERB_GREETED | VERB_OUTSIDE | VERB_LONG | VERB_LAST},
	{"VRFY", cmd_vrfy, VERB_IDLE | VERB_LAST},
	{"EXPN", cmd_expn, VERB_IDLE | VERB_LAST},
	{"ETRN", cmd_etrn, VERB_GREETED | VERB_TRUSTED | VERB_OUTSIDE | VERB_IDLE},
	{"HELP", cmd_help, VERB_IDLE},
	{"XCLIENT", cmd_xclient, VERB_OUTSIDE | VERB_IDLE},
	/* A web browser or a printer was made to speak to us: what follows is not meant for us. */
	{"GET", NULL, VERB_STRANGE},
	{"HEAD", NULL, VERB_STRANGE},
	{"POST", NULL, VERB_STRANGE},
	{"PUT", NULL, VERB_STRANGE},
	{"CONNECT", NULL, VERB_STRANGE},
	{"OPTIONS", NULL, VERB_STRANGE},
};

void
command_split(struct slice line, struct slice *verb, struct slice *argument)
{
	size_t space = slice_find(line, ' ');
	*verb = slice_first(line, space);
	*argument = slice_trim(slice_from(line, space));
}

const struct verb *
command_find(struct slice name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_is_nocase(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* Where users log in: which of the two comes first. */
static void
refuse_stranger(struct session *s)
{
	if (!s->encrypted && !s->config->plain_without_tls)
		reply(s, 530, "5.7.0", "Must issue a STARTTLS command first");
	else
		reply(s, 530, "5.7.0", "Authentication required");
}

/* Mail without EHLO or HELO is taken where a setting says so; nothing else is. */
static bool
lacks_greeting(const struct session *s, const struct verb *v)
{
	if (!(v->flags & VERB_GREETED) || s->greeted)
		return false;
	return s->config->rules.helo_required || !(v->flags & VERB_TRUSTED);
}

/* True when the verb may be run now; else it has been answered. */
static bool
in_turn(struct session *s, const struct verb *v, struct slice argument)
{
	if (lacks_greeting(s, v))
		reply(s, 503, "5.5.1", "Say EHLO or HELO first");
	else if ((v->flags & VERB_TRUSTED) && session_is_submission(s) && !session_logged_in(s))
		refuse_stranger(s);
	else if ((v->flags & VERB_OUTSIDE) && s->envelope.begun)
		reply(s, 503, "5.5.1", "Not within a mail transaction");
	else if ((v->flags & VERB_WHOLE) && s->message.begun)
		reply(s, 503, "5.5.1", "The message has begun with BDAT");
	else if ((v->flags & VERB_BARE) && argument.len > 0)
		reply(s, 501, "5.5.4", "This command takes no argument");
	else
		return true;
	return false;
}

static void
close_stranger(struct session *s, const struct verb *v)
{
	log_info("refused", log_text("command", v->name), log_text("client", s->peer.text),
	    log_text("reason", "another protocol is spoken"));
	reply_closing(s, "4.7.0", "This is a mail server", "strange-protocol");
}

/* "BDAT" with a tab behind it, say: bytes may follow that are no commands. */
static void
run_unknown(struct session *s, struct slice line)
{
	if (slice_starts_nocase(line, "BDAT"))
		session_bad_line(s, line, "Command not recognized");
	else if (filters_unknown(s, line))
		reply(s, 500, "5.5.1", "Command not recognized");
}

void
command_run(struct session *s, struct slice line)
{
	struct slice name, argument;
	command_split(line, &name, &argument);
	const struct verb *v = command_find(name);
	if (line.len > s->config->rules.line_length_limit - 2 && (v == NULL || !(v->flags & VERB_LONG))) {
		session_bad_line(s, line, "Line too long");
		return;
	}
	if (v == NULL) {
		run_unknown(s, line);
		return;
	}
	if (v->flags & VERB_STRANGE) {
		close_stranger(s, v);
		return;
	}
	if (early_pipelined(s, v))
		return;
	if (v->flags & VERB_IDLE)
		s->counts.idle++;
	if (in_turn(s, v, argument))
		v->run(s, argument);
	else if (v->flags & VERB_CHUNK)
		bdat_pass_over(s, argument);
}
