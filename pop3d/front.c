#include "pop3d/front.h"

#include "lib/base/host.h"

void
front_ok(struct front *f, const char *text)
{
	output_format(&f->gate.out, "+OK %s\r\n", text);
}

void
front_error(struct front *f, const char *text)
{
	output_format(&f->gate.out, "-ERR %s\r\n", text);
}

void
front_mistake(struct front *f, const char *text)
{
	front_error(f, text);
	if (!gate_mistake(&f->gate))
		f->gate.done = true;
}

void
front_gone(struct front *f, enum input_result why)
{
	if (why == INPUT_TOO_LONG)
		front_error(f, "the line is too long");
	else if (why == INPUT_TIMEOUT)
		front_error(f, "[SYS/TEMP] too slow; come again");
	f->gate.done = true;
}

/* The next line of the client without its end. */
static bool
next_line(struct front *f, struct slice *line)
{
	enum input_result r = input_line(&f->gate.in, FRONT_LINE_MOST, line);
	if (r == INPUT_OK)
		line->len -= slice_ends(*line, "\r\n") ? 2 : 1;
	else
		front_gone(f, r);
	return r == INPUT_OK;
}

/* RFC 2449, RFC 2595, RFC 3206, RFC 5034 */
static void
do_capa(struct front *f, struct slice argument)
{
	(void)argument;
	front_ok(f, "what this server can do");
	output_text(&f->gate.out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
	if (f->gate.tlsd >= 0)
		output_text(&f->gate.out, "STLS\r\n");
	if (gate_may_login(&f->gate)) {
		output_text(&f->gate.out, "USER\r\n");
		if (f->gate.login.mechanisms[0] != '\0')
			output_format(&f->gate.out, "SASL %s\r\n", f->gate.login.mechanisms);
	}
	output_text(&f->gate.out, "IMPLEMENTATION Postern\r\n.\r\n");
}

static void
do_stls(struct front *f, struct slice argument)
{
	if (argument.len > 0 || f->gate.encrypted) {
		front_mistake(f, f->gate.encrypted ? "TLS is there already" : "STLS takes no argument");
		return;
	}
	if (f->gate.tlsd < 0) {
		front_mistake(f, "TLS is not available");
		return;
	}
	if (!gate_allows(&f->gate, LEASE_TLS)) {
		front_error(f, "[SYS/TEMP] too many TLS sessions, try again later");
		return;
	}
	front_ok(f, "begin TLS");
	output_flush(&f->gate.out);
	if (!gate_encrypt(&f->gate))
		return;
	str_clear(&f->user);
	if (gate_hello(&f->gate))
		return;
	front_error(f, "[SYS/TEMP] try again later");
	f->gate.done = true;
}

static void
do_quit(struct front *f, struct slice argument)
{
	(void)argument;
	front_ok(f, "bye");
	f->gate.done = true;
}

static void
do_command(struct front *f, struct slice line)
{
	static const struct {
		const char *name;
		void (*act)(struct front *f, struct slice argument);
	} commands[] = {
		{"CAPA", do_capa}, {"USER", front_user}, {"PASS", front_pass}, {"AUTH", front_auth},
		{"STLS", do_stls}, {"QUIT", do_quit},
	};
	size_t space = slice_find(line, ' ');
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_is_nocase(slice_first(line, space), commands[i].name))
			continue;
		commands[i].act(f, slice_from(line, space + 1));
		return;
	}
	front_mistake(f, "unknown command before the login");
}

void
front_serve(struct front *f)
{
	struct slice line;
	output_format(&f->gate.out, "+OK %s ready\r\n", host_name());
	while (!f->gate.done && next_line(f, &line)) {
		do_command(f, line);
		if (f->gate.out.failed)
			f->gate.done = true;
	}
	output_flush(&f->gate.out);
}
