#include "pop3d/front.h"

#include "lib/base/host.h"
#include "pop3d/capabilities.h"
#include "pop3d/command.h"

void
front_ok(struct front *f, enum text text)
{
	reply_ok(&f->gate.out, f->language, text);
}

void
front_error(struct front *f, const char *code, enum text text)
{
	reply_error(&f->gate.out, f->language, code, text);
}

void
front_mistake(struct front *f, enum text text)
{
	front_error(f, NULL, text);
	if (!gate_mistake(&f->gate))
		f->gate.done = true;
}

void
front_gone(struct front *f, enum input_result why)
{
	if (why == INPUT_TOO_LONG)
		front_error(f, NULL, TEXT_LINE_TOO_LONG);
	else if (why == INPUT_TIMEOUT)
		front_error(f, "SYS/TEMP", TEXT_TOO_SLOW);
	f->gate.done = true;
}

/* The next line of the client without its end. */
static bool
next_line(struct front *f, struct slice *line)
{
	enum input_result r = input_line(&f->gate.in, FRONT_LINE_MOST, line);
	if (r != INPUT_OK)
		front_gone(f, r);
	return r == INPUT_OK;
}

static void
do_capa(struct front *f, struct slice argument)
{
	(void)argument;
	const struct capabilities c = {
		.stls = f->gate.tlsd >= 0 && !f->gate.encrypted && !f->utf8,
		.passwords = gate_may_login(&f->gate),
		.mechanisms = f->gate.login.mechanisms,
		.login_delay = f->login_delay,
		.expire = f->expire,
	};
	front_ok(f, TEXT_CAPABILITIES);
	capabilities_write(&f->gate.out, &c);
}

/* Why there is no STLS now; TEXTS: there is. RFC 6856 section 2.1: not behind UTF8. */
static enum text
why_no_tls(const struct front *f)
{
	if (f->gate.encrypted)
		return TEXT_TLS_ALREADY;
	if (f->utf8)
		return TEXT_TLS_AFTER_UTF8;
	return f->gate.tlsd < 0 ? TEXT_TLS_AWAY : TEXTS;
}

static void
do_stls(struct front *f, struct slice argument)
{
	(void)argument;
	if (why_no_tls(f) != TEXTS) {
		front_mistake(f, why_no_tls(f));
		return;
	}
	if (!gate_allows(&f->gate, LEASE_TLS)) {
		front_error(f, "SYS/TEMP", TEXT_TLS_TOO_MANY);
		return;
	}
	front_ok(f, TEXT_BEGIN_TLS);
	output_flush(&f->gate.out);
	if (!gate_encrypt(&f->gate))
		return;
	/* What was agreed on in the clear is forgotten (RFC 2595 section 4). */
	str_clear(&f->user);
	f->language = LANGUAGE_DEFAULT;
	if (gate_hello(&f->gate))
		return;
	front_error(f, "SYS/TEMP", TEXT_COME_LATER);
	f->gate.done = true;
}

static void
do_utf8(struct front *f, struct slice argument)
{
	(void)argument;
	f->utf8 = true;
	front_ok(f, TEXT_UTF8_ON);
}

static void
do_lang(struct front *f, struct slice argument)
{
	if (!language_command(&f->gate.out, &f->language, argument) && !gate_mistake(&f->gate))
		f->gate.done = true;
}

static void
do_quit(struct front *f, struct slice argument)
{
	(void)argument;
	front_ok(f, TEXT_BYE);
	f->gate.done = true;
}

/*
 * A shared secret hashed with a time stamp of the greeting (RFC 1939 section 7): it needs passwords in the clear in the
 * table, and MD5. CRAM-MD5 and SCRAM are what AUTH has in its place.
 */
static void
do_apop(struct front *f, struct slice argument)
{
	(void)argument;
	front_mistake(f, TEXT_NO_APOP);
}

static void
do_later(struct front *f, struct slice argument)
{
	(void)argument;
	front_mistake(f, TEXT_NOT_BEFORE_LOGIN);
}

static void
do_command(struct front *f, struct slice line)
{
	static const struct {
		const char *name;
		enum arguments arguments;
		void (*act)(struct front *f, struct slice argument);
	} commands[] = {
		{"USER", ARGUMENTS_ANY, front_user}, {"PASS", ARGUMENTS_ANY, front_pass}, {"AUTH", ARGUMENTS_ANY, front_auth},
		{"CAPA", ARGUMENTS_NONE, do_capa}, {"STLS", ARGUMENTS_NONE, do_stls}, {"UTF8", ARGUMENTS_NONE, do_utf8},
		{"LANG", ARGUMENTS_ANY, do_lang}, {"QUIT", ARGUMENTS_NONE, do_quit}, {"APOP", ARGUMENTS_ANY, do_apop},
		{"STAT", ARGUMENTS_ANY, do_later}, {"LIST", ARGUMENTS_ANY, do_later}, {"RETR", ARGUMENTS_ANY, do_later},
		{"DELE", ARGUMENTS_ANY, do_later}, {"NOOP", ARGUMENTS_ANY, do_later}, {"RSET", ARGUMENTS_ANY, do_later},
		{"TOP", ARGUMENTS_ANY, do_later}, {"UIDL", ARGUMENTS_ANY, do_later},
	};
	struct command c = command_of(line);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_is_nocase(c.name, commands[i].name))
			continue;
		if (commands[i].arguments == ARGUMENTS_NONE && c.has_argument)
			front_mistake(f, TEXT_NO_ARGUMENT);
		else
			commands[i].act(f, c.argument);
		return;
	}
	front_mistake(f, TEXT_UNKNOWN_COMMAND);
}

void
front_serve(struct front *f)
{
	struct slice line;
	output_format(&f->gate.out, "+OK %s %s\r\n", host_name(), text_in(f->language, TEXT_READY));
	while (!f->gate.done && next_line(f, &line)) {
		do_command(f, line);
		if (f->gate.out.failed)
			f->gate.done = true;
	}
	output_flush(&f->gate.out);
}
