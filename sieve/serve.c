#include "sieve/serve.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "lib/mail/budget.h"
#include "sieve/check.h"
#include "sieve/run.h"

#define PATIENCE     60000 /* ms for a packet */
#define SCRIPTS_MOST 4
#define NAME_MOST    200   /* bytes of a script's name */

static struct {
	struct packet        in, out;
	int                  socket;
	struct sieve_memory  memory;
	struct sieve_message message;
	struct str           header;
	struct {
		char       name[NAME_MOST];
		struct str text;
	} scripts[SCRIPTS_MOST];
	size_t           count;
	struct sieve_run run;
} served = {.header = STR_MOST(BUDGET_HEADER_BYTES + PACKET_MOST)};

static bool
is_verb(const char *verb)
{
	return strcmp(packet_verb(&served.in), verb) == 0;
}

/* --- what deliver says --------------------------------------------------------------------------- */

static bool
take_field(struct slice *into)
{
	const char *field = packet_field(&served.in);
	if (field == NULL)
		return false;
	*into = sieve_keep(&served.memory, slice_of(field));
	return into->data != NULL;
}

static bool
take_envelope(void)
{
	struct sieve_message *m = &served.message;
	return is_verb("run") && take_field(&m->sender) && take_field(&m->recipient) && take_field(&m->address) &&
	    packet_field_number(&served.in, INT64_MAX, &m->size);
}

static bool
take_script(void)
{
	const char *name = packet_field(&served.in);
	if (name == NULL || strlen(name) >= NAME_MOST)
		return false;
	if (served.count == 0 || strcmp(served.scripts[served.count - 1].name, name) != 0) {
		if (served.count == SCRIPTS_MOST)
			return false;
		snprintf(served.scripts[served.count].name, NAME_MOST, "%s", name);
		served.scripts[served.count++].text = STR_MOST(SIEVE_SCRIPT_MOST + 1);
	}
	return str_append_slice(&served.scripts[served.count - 1].text, packet_rest(&served.in));
}

/* All up to `go`. */
static bool
take_request(void)
{
	if (packet_receive_wait(served.socket, &served.in, PATIENCE) != PACKET_OK || !take_envelope())
		return false;
	while (packet_receive_wait(served.socket, &served.in, PATIENCE) == PACKET_OK) {
		bool ok = true;
		if (is_verb("go"))
			return true;
		if (is_verb("script"))
			ok = take_script();
		else if (is_verb("header"))
			ok = str_append_slice(&served.header, packet_rest(&served.in));
		if (!ok)
			return false;
	}
	return false;
}

/* --- what it is told --------------------------------------------------------------------------------- */

static bool
tell(void)
{
	return packet_send_wait(served.socket, &served.out, PATIENCE) == PACKET_OK;
}

static bool
ask_exists(void *context, struct slice folder)
{
	(void)context;
	packet_begin(&served.out, "exists");
	packet_add(&served.out, folder);
	return tell() && packet_receive_wait(served.socket, &served.in, PATIENCE) == PACKET_OK && is_verb("yes");
}

static void
add_flags(const struct sieve_action *a)
{
	for (size_t i = 0; i < a->flags.count; i++)
		packet_add(&served.out, a->flags.items[i]);
}

/* Line ends and tabs would part the text of a reply: it is one line. */
static void
add_reason(struct slice text)
{
	struct str line = STR_MOST(PACKET_MOST / 2);
	for (size_t i = 0; i < text.len; i++)
		str_append_byte(&line, (unsigned char)text.data[i] < ' ' ? ' ' : text.data[i]);
	packet_add(&served.out, slice_trim(str_slice(&line)));
	str_free(&line);
}

static bool
tell_action(const struct sieve_action *a)
{
	static const char *const verbs[] = {[SIEVE_KEEP] = "keep", [SIEVE_FILEINTO] = "fileinto", [SIEVE_REDIRECT] = "redirect",
	    [SIEVE_REJECT] = "reject", [SIEVE_VACATION] = "vacation"};
	packet_begin(&served.out, verbs[a->kind]);
	if (a->kind == SIEVE_FILEINTO || a->kind == SIEVE_REDIRECT)
		packet_add(&served.out, a->text);
	if (a->kind == SIEVE_FILEINTO)
		packet_add_text(&served.out, a->create ? "create" : "-");
	if (a->kind == SIEVE_FILEINTO || a->kind == SIEVE_KEEP)
		add_flags(a);
	if (a->kind == SIEVE_REJECT) {
		/* Either of them alone fits into a packet. */
		add_reason(a->told.data == NULL ? a->text : slice_of(""));
		packet_add_rest(&served.out, a->told);
	}
	if (a->kind == SIEVE_VACATION) {
		packet_add_number(&served.out, a->mark);
		packet_add_number(&served.out, a->days * 86400);
		packet_add_rest(&served.out, a->text);
	}
	return tell();
}

static bool
tell_all(const struct sieve_run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (!tell_action(&r->actions[i]))
			return false;
	packet_begin(&served.out, "done");
	return tell();
}

/* What was wanted before counts no more; the message is kept (RFC 5228 section 2.10.6). */
static bool
tell_error(const char *script, const struct sieve_problem *p)
{
	packet_begin(&served.out, "error");
	packet_add_text(&served.out, script);
	packet_add_number(&served.out, p->line);
	packet_add_text(&served.out, p->text);
	return tell() && tell_all(&(struct sieve_run){.actions[0] = {.kind = SIEVE_KEEP}, .count = 1});
}

/* --- the scripts -------------------------------------------------------------------------------------- */

/* The keep of the script before, which the next one may say otherwise. */
static void
take_back_keep(struct sieve_run *r)
{
	size_t left = 0;
	for (size_t i = 0; i < r->count; i++)
		if (r->actions[i].kind != SIEVE_KEEP)
			r->actions[left++] = r->actions[i];
	r->count = left;
}

static bool
run_one(size_t i, struct sieve_problem *problem)
{
	struct sieve_script script;
	return sieve_compile(&script, str_slice(&served.scripts[i].text), &served.memory, problem) && sieve_run(&served.run, &script);
}

/* One after the other, as long as what is before wants the message kept. */
static bool
run_all(void)
{
	struct sieve_run *r = &served.run;
	for (size_t i = 0; i < served.count && (i == 0 || sieve_run_keeps(r)); i++) {
		struct sieve_problem problem = {.line = 0};
		take_back_keep(r);
		r->problem = &problem;
		if (!run_one(i, &problem))
			return tell_error(served.scripts[i].name, &problem);
	}
	return tell_all(r);
}

bool
sieve_serve(int socket, const struct sieve_limits *limits)
{
	served.socket = socket;
	served.message.delimiters = limits->delimiters;
	if (!take_request()) {
		log_warning("request-malformed", log_text("verb", packet_verb(&served.in)));
		return false;
	}
	if (!sieve_message_read(&served.message, str_slice(&served.header), &served.memory))
		return tell_error("", &(struct sieve_problem){.text = "there is no memory for the header"});
	served.run = (struct sieve_run){.message = &served.message, .memory = &served.memory, .budget = SIEVE_BUDGET,
	    .redirects_most = limits->redirects, .exists = ask_exists};
	return run_all();
}
