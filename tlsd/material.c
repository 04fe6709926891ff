#include "tlsd/material.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/base/str.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "tlsd/authorities.h"
#include "tlsd/child.h"
#include "tlsd/children.h"
#include "tlsd/context.h"
#include "tlsd/keys.h"
#include "tlsd/signer.h"
#include "tlsd/tickets.h"

#define START_PATIENCE 600000 /* ms, for the key process to read ten thousand pairs on a busy machine */

/* What the key process is telling, until its `end`. */
struct draft {
	bool                  broken; /* a packet was not one of those, or there was no memory */
	const struct profile *profile;
	struct str            authorities;
	struct shelf         *shelf;
};

static struct {
	int           control; /* to the key process, shared with the children */
	struct watch  news;
	pid_t         keys;
	SSL_CTX      *context;
	struct shelf *shelf;
	struct draft  draft;
	bool          ended; /* the last packet was an `end` */
	struct packet packet;
} material = {.draft.authorities = STR_MOST(AUTHORITIES_MOST)};

/* --- packets of the key process ------------------------------------------------------------ */

static bool
take_profile(struct draft *d, struct packet *p)
{
	const char *name = packet_field(p);
	d->profile = name != NULL ? profile_find(name) : NULL;
	d->shelf = d->shelf != NULL ? d->shelf : shelf_new();
	return d->profile != NULL && d->shelf != NULL;
}

static bool
take_authorities(struct draft *d, struct packet *p)
{
	return str_append_slice(&d->authorities, packet_rest(p));
}

static bool
take_certificate(struct draft *d, struct packet *p)
{
	uint64_t id, ends;
	if (!packet_field_number(p, UINT64_MAX, &id))
		return false;
	const char *file = packet_field(p), *key = packet_field(p);
	return d->shelf != NULL && file != NULL && key != NULL && packet_field_number(p, INT64_MAX, &ends) &&
	    shelf_add(d->shelf, id, file, key, (int64_t)ends, packet_rest(p));
}

static bool
take_names(struct draft *d, struct packet *p)
{
	return d->shelf != NULL && shelf_add_names(d->shelf, packet_rest(p));
}

static bool
take_response(struct draft *d, struct packet *p)
{
	uint64_t ends;
	return d->shelf != NULL && packet_field_number(p, INT64_MAX, &ends) &&
	    shelf_add_response(d->shelf, (int64_t)ends, packet_rest(p));
}

static const struct {
	const char *verb;
	bool (*take)(struct draft *d, struct packet *p);
} packets[] = {
	{"profile", take_profile},
	{"authorities", take_authorities},
	{"certificate", take_certificate},
	{"names", take_names},
	{"response", take_response},
};

static bool
take_piece(struct draft *d, struct packet *p)
{
	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++)
		if (strcmp(packet_verb(p), packets[i].verb) == 0)
			return packets[i].take(d, p);
	return false;
}

/* --- all together --------------------------------------------------------------------------- */

static int
open_channel(void)
{
	return child_open_channel(material.control);
}

static void
say_loaded(void)
{
	const char *client_ca = material.draft.authorities.len > 0 ? "yes" : NULL;
	log_info("certificate-loaded", log_text("file", shelf_get(material.shelf, 0)->file),
	    log_number("certificates", (int64_t)shelf_count(material.shelf)),
	    log_text("profile", material.draft.profile->name), log_text(client_ca != NULL ? "client_ca" : NULL, client_ca));
}

/* Makes the draft what counts. False: what counted before goes on. */
static bool
use_draft(struct draft *d)
{
	if (d->broken || d->shelf == NULL || d->profile == NULL || !shelf_finish(d->shelf))
		return false;
	SSL_CTX *context = context_make(d->shelf, d->profile, str_slice(&d->authorities));
	if (context == NULL || !context_rehearse(context, d->shelf, open_channel)) {
		SSL_CTX_free(context);
		return false;
	}
	SSL_CTX_free(material.context);
	shelf_free(material.shelf);
	material.context = context;
	material.shelf = d->shelf;
	d->shelf = NULL;
	say_loaded();
	return true;
}

static void
clear_draft(struct draft *d)
{
	shelf_free(d->shelf);
	str_free(&d->authorities);
	*d = (struct draft){.authorities = STR_MOST(AUTHORITIES_MOST)};
}

static void
take_end(struct packet *p)
{
	uint64_t unfit = 0;
	packet_field_number(p, UINT64_MAX, &unfit);
	bool first = material.context == NULL;
	bool used = use_draft(&material.draft);
	clear_draft(&material.draft);
	packet_begin(&material.packet, "taken");
	packet_add_text(&material.packet, used ? "yes" : "no");
	packet_send_wait(material.news.fd, &material.packet, -1);
	if ((!used || unfit > 0) && !first)
		log_error("reload-failed", log_number("refused", (int64_t)unfit),
		    log_text("hint", "what was refused goes on as it was before; see the lines before this one"));
	material.ended = true;
}

/* One packet of the news. */
static void
take_news(struct packet *p)
{
	material.ended = false;
	if (strcmp(packet_verb(p), "end") == 0)
		take_end(p);
	else if (!take_piece(&material.draft, p))
		material.draft.broken = true;
}

static void
news_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &material.packet);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		log_error("key-process-ended", log_text("hint", "see its line before this one"));
		exit(EXIT_TEMPORARY);
	}
	packet_close_descriptors(&material.packet);
	take_news(&material.packet);
}

/* A second one is no more than the first while that waits; the queue holds some hundred. */
void
material_reload(int signal_number)
{
	(void)signal_number;
	packet_begin(&material.packet, "reload");
	packet_send(material.news.fd, &material.packet);
}

/* --- the start -------------------------------------------------------------------------------- */

/* Forks the key process, before any key is read. False when it cannot be made. */
static bool
start_keys(void)
{
	int control[2], news[2];
	if (!socket_pair(control) || !socket_pair(news))
		return false;
	material.keys = fork();
	if (material.keys == 0) {
		close(control[0]);
		close(news[0]);
		keys_run(control[1], news[1]);
	}
	close(control[1]);
	close(news[1]);
	material.control = control[0];
	material.news = (struct watch){.fd = news[0], .ready = news_ready};
	return material.keys > 0;
}

/* Waits for one packet; ends the program with the key process's reason when there is none. */
static void
wait_for_news(void)
{
	int status = 0;
	switch (packet_receive_wait(material.news.fd, &material.packet, START_PATIENCE)) {
	case PACKET_OK:
		break;
	case PACKET_END: /* it is ending */
		if (waitpid(material.keys, &status, 0) == material.keys && WIFEXITED(status))
			exit(WEXITSTATUS(status));
		exit(EXIT_TEMPORARY);
	default:
		log_error("start-failed", log_text("reason", "the key process does not answer"));
		exit(EXIT_TEMPORARY);
	}
	take_news(&material.packet);
}

void
material_start(void)
{
	if (!start_keys() || !signer_install()) {
		log_error("start-failed", log_errno());
		exit(EXIT_TEMPORARY);
	}
	children_watch_keys(material.keys);
	tickets_begin();
	while (!material.ended)
		wait_for_news();
	if (material.context == NULL)
		exit(EXIT_MISUSE);
}

bool
material_watch(void)
{
	return loop_add(&material.news, EPOLLIN) && tickets_watch();
}

SSL_CTX *
material_context(void)
{
	return material.context;
}

const struct shelf *
material_shelf(void)
{
	return material.shelf;
}

int
material_control(void)
{
	return material.control;
}

size_t
material_inherited(void)
{
	return 2 * shelf_bytes(material.shelf); /* the old ones lie there too while new ones come */
}
