#include "deliver/sieve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/forward.h"
#include "deliver/sieve_talk.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/worker.h"
#include "lib/mail/budget.h"
#include "lib/mail/header.h"

#define SEND         30000 /* ms */
#define SCRIPT_MOST  (256u << 10)
#define HOPS_MOST    60    /* Received fields, after which nothing is sent on */

struct sieve_config sieve_config;

static struct {
	int    worker; /* the socket of the interpreter; -1: it is gone */
	char  *before, *fallback;
	size_t before_len, fallback_len;
} sieve = {.worker = -1};

/* --- at the start ------------------------------------------------------------------------------ */

/* A file that is wrong must not stop mail: postern-sieve says what is wrong, for each message. One that cannot be read is a mistake here. */
static bool
read_script(const char *setting, const char *file, char **text, size_t *len)
{
	if (file[0] == '\0')
		return true;
	*text = settings_read_file(file, SCRIPT_MOST, len);
	if (*text == NULL)
		log_error("setting-wrong", log_text("setting", setting), log_text("file", file), log_errno(),
		    log_text("hint", "a Sieve script that vmail can read"));
	return *text != NULL;
}

bool
sieve_prepare(void)
{
	if (!sieve_config.on)
		return true;
	if (sieve_config.script[0] == '\0' || strchr(sieve_config.script, '/') != NULL) {
		log_error("setting-wrong", log_text("setting", "sieve_script"), log_text("hint", "it is the name of a file, without a directory"));
		return false;
	}
	if (!read_script("sieve_before", sieve_config.before, &sieve.before, &sieve.before_len) ||
	    !read_script("sieve_default", sieve_config.fallback, &sieve.fallback, &sieve.fallback_len))
		return false;
	sieve.worker = worker_start("postern-sieve");
	return true;
}

bool
sieve_is_lost(void)
{
	return sieve_config.on && sieve.worker < 0;
}

/* --- one message ---------------------------------------------------------------------------------- */

static struct outcome
not_now(const struct under_way *u, const char *why)
{
	log_error("sieve-failed", log_text("to", u->what.address), log_text("reason", why),
	    log_text("hint", "is postern-sieve installed beside postern-deliver?"));
	return outcome_make("4.3.0", "the recipient's filter cannot be asked now");
}

/* A pair whose other end the interpreter has. -1: it is gone. */
static int
begin_talk(void)
{
	static struct packet p;
	int pair[2];
	if (sieve.worker < 0 || !socket_pair(pair))
		return -1;
	packet_begin(&p, "run");
	packet_add_descriptor(&p, pair[1]);
	bool ok = packet_send_wait(sieve.worker, &p, SEND) == PACKET_OK;
	close(pair[1]);
	if (ok)
		return pair[0];
	close(pair[0]);
	close(sieve.worker);
	sieve.worker = -1;
	return -1;
}

static bool
send_envelope(const struct deliverer *d, const struct under_way *u, const struct sieve_talk *t)
{
	static struct packet p;
	packet_begin(&p, "run");
	packet_add_text(&p, u->what.sender);
	packet_add_text(&p, u->what.original);
	packet_add_text(&p, u->what.address);
	packet_add_number(&p, (uint64_t)d->source.end - u->what.offset);
	return packet_send_wait(t->socket, &p, SEND) == PACKET_OK;
}

/* What the script may ask about; `memory` when it is more than the part that was read. */
static struct slice
read_header(struct deliverer *d, const struct under_way *u, char **memory)
{
	struct slice part = d->source.part;
	size_t end = header_end(part), len = (size_t)((uint64_t)d->source.end - u->what.offset);
	*memory = NULL;
	if (end < part.len || d->source.ended)
		return slice_first(part, end);
	if (len > BUDGET_HEADER_BYTES)
		len = BUDGET_HEADER_BYTES;
	*memory = malloc(len);
	if (*memory == NULL || !file_read_at(d->source.fd, *memory, len, (off_t)u->what.offset))
		return slice_first(part, end);
	return slice_first(slice_make(*memory, len), header_end(slice_make(*memory, len)));
}

/* What runs: the administrator's script, and the user's or the one in its place. */
struct scripts {
	char        *own; /* malloc'ed */
	struct slice before, user;
	const char  *user_name;
};

static bool
find_scripts(const struct deliverer *d, const struct under_way *u, const char *maildir, struct scripts *s)
{
	size_t len = 0;
	*s = (struct scripts){.own = sieve_find_script(d->mail_root, &u->maildir, maildir, &len), .user_name = sieve_config.script};
	int error = errno;
	s->before = slice_make(sieve.before, sieve.before_len);
	s->user = slice_make(s->own, len);
	if (s->own == NULL && error != ENOENT)
		log_warning("sieve-unread", log_text("to", u->what.address), log_text("file", sieve_config.script), log_errno(),
		    log_text("hint", "a regular file of at most 256 KiB; a link must stay beneath the user's directory"));
	if (s->own == NULL && error == ENOENT) {
		s->user = slice_make(sieve.fallback, sieve.fallback_len);
		s->user_name = "sieve_default";
	}
	return s->before.data != NULL || s->user.data != NULL;
}

static bool
send_scripts(const struct sieve_talk *t, const struct scripts *s)
{
	return (s->before.data == NULL || sieve_talk_send(t, "script", "sieve_before", s->before)) &&
	    (s->user.data == NULL || sieve_talk_send(t, "script", s->user_name, s->user));
}

/* --- loops ----------------------------------------------------------------------------------------- */

/* It came here by a redirect of this mailbox before, or went through too many hosts. */
static bool
goes_round(struct slice header, const char *address)
{
	struct header_reader r;
	struct header_field f;
	unsigned hops = 0;
	header_begin(&r, header);
	while (header_next(&r, &f)) {
		hops += slice_is_nocase(f.name, "Received");
		if (slice_is_nocase(f.name, REDIRECTED_FROM) && slice_is_nocase(slice_trim(f.value), address))
			return true;
	}
	return hops > HOPS_MOST;
}

static void
check_loops(const struct under_way *u, struct slice header, struct plan *p)
{
	if (p->redirect_count == 0 || !goes_round(header, u->what.address))
		return;
	log_warning("redirect-loop", log_text("to", u->what.address), log_text("redirect", p->redirects[0]),
	    log_text("hint", "the message was here before, or has too many Received fields: it is kept"));
	plan_keep(p);
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static struct outcome
talk(struct deliverer *d, const struct under_way *u, const struct scripts *s, struct slice header, struct plan *p)
{
	struct sieve_talk t = {.socket = begin_talk(), .maildir = &u->maildir, .to = u->what.address};
	if (t.socket < 0)
		return not_now(u, "the interpreter is gone");
	/* What it does not take it has no need of: it says so, or has ended. */
	if (send_envelope(d, u, &t) && send_scripts(&t, s) && sieve_talk_send(&t, "header", NULL, header))
		sieve_talk_send(&t, "go", NULL, slice_of(""));
	enum sieve_talked end = sieve_talk_receive(&t, p);
	close(t.socket);
	if (end == TALK_LATER)
		return not_now(u, "no answer");
	if (end == TALK_LOST) {
		log_warning("sieve-wrong", log_text("to", u->what.address), log_text("script", s->user_name),
		    log_text("reason", "the interpreter ended before it was done"), log_text("hint", "the message is kept"));
		plan_keep(p);
	}
	check_loops(u, header, p);
	return outcome_done();
}

struct outcome
sieve_plan(struct deliverer *d, const struct under_way *u, const char *maildir, struct plan *p)
{
	struct scripts s;
	char *memory = NULL;
	struct outcome o = outcome_done();
	if (find_scripts(d, u, maildir, &s))
		o = talk(d, u, &s, read_header(d, u, &memory), p);
	else
		plan_keep(p);
	free(memory);
	free(s.own);
	return o;
}
