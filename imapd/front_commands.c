/* The commands before login, in a table; those that carry a password are in front_login.c. */
#include "imapd/front.h"

#include "lib/base/log.h"

static void
capability(struct front *f, struct slice tag, struct parser *p)
{
	(void)p;
	output_text(&f->gate.out, "* ");
	front_capability(f);
	output_text(&f->gate.out, "\r\n");
	front_answer(f, tag, "OK", "done");
}

static void
noop(struct front *f, struct slice tag, struct parser *p)
{
	(void)p;
	front_answer(f, tag, "OK", "done");
}

static void
logout(struct front *f, struct slice tag, struct parser *p)
{
	(void)p;
	output_text(&f->gate.out, "* BYE see you\r\n");
	front_answer(f, tag, "OK", "done");
	f->gate.done = true;
}

static void
id(struct front *f, struct slice tag, struct parser *p)
{
	struct slice client;
	if (!parse_id(p, &client)) {
		front_bad(f, tag, p->error);
		return;
	}
	output_text(&f->gate.out, "* ID (\"name\" \"Postern\")\r\n");
	front_answer(f, tag, "OK", "done");
}

static void
starttls(struct front *f, struct slice tag, struct parser *p)
{
	(void)p;
	if (f->gate.tlsd < 0) {
		front_bad(f, tag, f->gate.encrypted ? "TLS is on already" : "there is no TLS here");
		return;
	}
	/* What came behind the command came in the clear, from whomever: it must not act under TLS (promise 5). */
	if (input_buffered(&f->gate.in).len > 0) {
		log_warning("bytes-before-tls", log_text("client", f->gate.peer.text));
		front_bye(f, "bytes behind STARTTLS");
		return;
	}
	if (!gate_allows(&f->gate, LEASE_TLS)) {
		front_answer(f, tag, "NO", "[UNAVAILABLE] too many TLS sessions, try again later");
		return;
	}
	front_answer(f, tag, "OK", "begin TLS");
	if (!output_flush(&f->gate.out) || !gate_encrypt(&f->gate)) {
		f->gate.done = true;
		return;
	}
	if (!gate_hello(&f->gate))
		front_bye(f, "[UNAVAILABLE] try again later");
}

struct front_entry {
	const char *name;
	void (*act)(struct front *f, struct slice tag, struct parser *p);
	bool arguments;
};

static const struct front_entry entries[] = {
	{"CAPABILITY", capability, false},
	{"LOGIN", front_login, true},
	{"AUTHENTICATE", front_authenticate, true},
	{"STARTTLS", starttls, false},
	{"LOGOUT", logout, false},
	{"NOOP", noop, false},
	{"ID", id, true},
};

static const struct front_entry *
find_entry(struct slice name)
{
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		if (slice_is_nocase(name, entries[i].name))
			return &entries[i];
	return NULL;
}

void
front_command(struct front *f)
{
	struct parser p = parser_over(str_slice(&f->gather.text), &f->scratch);
	struct slice tag = slice_make(NULL, 0), name;
	if (!parse_tag(&p, &tag) || !parse_space(&p) || !parse_atom(&p, &name)) {
		front_bad(f, tag, p.error);
		return;
	}
	const struct front_entry *entry = find_entry(name);
	if (entry == NULL)
		front_bad(f, tag, "unknown command, or one for after the login");
	else if (!entry->arguments && !parse_end(&p))
		front_bad(f, tag, p.error);
	else
		entry->act(f, tag, &p);
}
