#include "imapd/front.h"

#include "lib/base/host.h"

void
front_open(struct front *f)
{
	f->scratch = SCRATCH_MOST(FRONT_SCRATCH_MOST);
	f->gather = (struct gather){.in = &f->gate.in, .out = &f->gate.out, .text = STR_MOST(FRONT_COMMAND_MOST),
	    .literal_most = FRONT_LITERAL_MOST};
}

void
front_capability(struct front *f)
{
	output_text(&f->gate.out, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID");
	if (f->gate.tlsd >= 0)
		output_text(&f->gate.out, " STARTTLS");
	if (!gate_may_login(&f->gate)) {
		output_text(&f->gate.out, " LOGINDISABLED");
		return;
	}
	struct slice rest = slice_of(f->gate.login.mechanisms);
	struct slice mechanism;
	while (slice_split(&rest, ' ', &mechanism)) {
		output_text(&f->gate.out, " AUTH=");
		output_slice(&f->gate.out, mechanism);
	}
}

void
front_answer(struct front *f, struct slice tag, const char *status, const char *text)
{
	output_slice(&f->gate.out, tag);
	output_format(&f->gate.out, " %s %s\r\n", status, text);
}

void
front_bye(struct front *f, const char *text)
{
	output_format(&f->gate.out, "* BYE %s\r\n", text);
	output_flush(&f->gate.out);
	f->gate.done = true;
}

void
front_bad(struct front *f, struct slice tag, const char *error)
{
	front_answer(f, tag.len > 0 ? tag : slice_of("*"), "BAD", error);
	if (!gate_mistake(&f->gate))
		front_bye(f, "too many mistakes");
}

/* A command that was not gathered whole. */
static void
gather_failed(struct front *f, enum gather_result r)
{
	struct parser p = parser_over(str_slice(&f->gather.text), &f->scratch);
	struct slice tag = slice_make(NULL, 0);
	parse_tag(&p, &tag);
	switch (r) {
	case GATHER_TOO_BIG:
		front_bad(f, tag, "[TOOBIG] the literal is larger than a login takes");
		return;
	case GATHER_TOO_LONG:
		front_bad(f, slice_make(NULL, 0), "the command is too long");
		front_bye(f, "the command is too long");
		return;
	case GATHER_TIMEOUT:
		front_bye(f, "too slow; come again");
		return;
	default:
		f->gate.done = true;
	}
}

void
front_serve(struct front *f)
{
	output_text(&f->gate.out, "* OK [");
	front_capability(f);
	output_format(&f->gate.out, "] %s ready\r\n", host_name());
	while (!f->gate.done) {
		enum gather_result r = gather_command(&f->gather);
		if (r == GATHER_OK)
			front_command(f);
		else
			gather_failed(f, r);
		scratch_clear(&f->scratch);
		if (f->gate.out.failed)
			f->gate.done = true;
	}
	output_flush(&f->gate.out);
}
