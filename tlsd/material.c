#include "tlsd/material.h"

#include <errno.h>
#include <signal.h>
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
#include "tlsd/signer.h"

#define START_PATIENCE 10000 /* ms, for the key process to read its files */

static struct {
	const struct keys_settings *files;
	struct watch   control; /* to the key process */
	pid_t          keys;
	SSL_CTX       *context;
	struct str     authorities; /* what has come of client_ca, for the certificate that follows */
	enum { RELOAD_NONE, RELOAD_ASKED, RELOAD_AGAIN } reload; /* AGAIN: and another is wanted after it */
	struct packet  packet;
} material = {.authorities = STR_MOST(AUTHORITIES_MOST)};

static int
open_channel(void)
{
	return child_open_channel(material.control.fd);
}

static bool
use_certificate(struct packet *p)
{
	uint64_t id;
	if (strcmp(packet_verb(p), "certificate") != 0 || !packet_field_number(p, UINT64_MAX, &id) ||
	    material.authorities.failed)
		return false;
	SSL_CTX *context = context_make(packet_rest(p), id, str_slice(&material.authorities), material.context);
	if (context == NULL || !context_rehearse(context, open_channel)) {
		SSL_CTX_free(context);
		return false;
	}
	SSL_CTX_free(material.context);
	material.context = context;
	log_info("certificate-loaded", log_text("file", material.files->certificate),
	    log_text(material.files->client_ca[0] != '\0' ? "client_ca" : NULL, material.files->client_ca));
	return true;
}

/*
 * One reload at a time: while the rehearsal waits for a signature, the key
 * process must not wait for us to take the next files.
 */
void
material_reload(int signal_number)
{
	(void)signal_number;
	bool under_way = material.reload != RELOAD_NONE;
	material.reload = under_way ? RELOAD_AGAIN : RELOAD_ASKED;
	if (under_way)
		return;
	packet_begin(&material.packet, "reload");
	packet_send_wait(material.control.fd, &material.packet, -1);
}

static void
reload_ended(void)
{
	bool again = material.reload == RELOAD_AGAIN;
	material.reload = RELOAD_NONE;
	if (again)
		material_reload(SIGHUP);
}

/* What the key process says: pieces of client_ca, then the certificate. False: the files are not fit. */
static bool
take_files(struct packet *p)
{
	if (strcmp(packet_verb(p), "authorities") == 0) {
		str_append_slice(&material.authorities, packet_rest(p));
		return true;
	}
	bool used = use_certificate(p);
	str_clear(&material.authorities);
	reload_ended();
	return used;
}

static void
control_ready(struct watch *w, uint32_t events)
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
	if (!take_files(&material.packet))
		log_error("reload-failed", log_text("hint", "the certificate from before goes on; see the line before this one"));
}

/* Waits for the first packet or one more; ends the program with the key process's reason when there is none. */
static void
wait_for_files(void)
{
	int status = 0;
	switch (packet_receive_wait(material.control.fd, &material.packet, START_PATIENCE)) {
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
	if (!take_files(&material.packet))
		exit(EXIT_MISUSE);
}

/* Forks the key process, before any key is read. Returns the socket to it, -1 when it cannot be made. */
static int
start_keys(void)
{
	int ends[2];
	if (!socket_pair(ends))
		return -1;
	material.keys = fork();
	if (material.keys == 0) {
		close(ends[0]);
		keys_run(ends[1], material.files);
	}
	close(ends[1]);
	return material.keys > 0 ? ends[0] : -1;
}

void
material_start(const struct keys_settings *files)
{
	material.files = files;
	material.control = (struct watch){.fd = start_keys(), .ready = control_ready};
	if (material.control.fd < 0 || !signer_install()) {
		log_error("start-failed", log_errno());
		exit(EXIT_TEMPORARY);
	}
	children_watch_keys(material.keys);
	while (material.context == NULL)
		wait_for_files();
}

bool
material_watch(void)
{
	return loop_add(&material.control, EPOLLIN);
}

SSL_CTX *
material_context(void)
{
	return material.context;
}

int
material_control(void)
{
	return material.control.fd;
}
