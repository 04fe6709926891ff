/* A session's first steps, before it reads a byte of its client (sessions.h). */
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/front/sessions.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"

/* Milliseconds. */
#define PATIENCE_CONNECT 2000
#define PATIENCE_TICKET  10000

/* `redeem T TICKET SERVICE`. True when authd answered; the answer is in `p`. */
static bool
ask(const struct handover *h, const char *service, struct packet *p)
{
	int authd = socket_connect("authd/ticket", PATIENCE_CONNECT);
	packet_begin(p, "redeem");
	packet_add_text(p, h->id);
	packet_add_text(p, h->ticket);
	packet_add_text(p, service);
	bool answered = authd >= 0 && packet_call(authd, p, PATIENCE_TICKET);
	if (authd >= 0)
		close(authd);
	if (answered)
		packet_close_descriptors(p);
	return answered;
}

/* User and Maildir are `p`'s. */
static bool
redeem(const struct handover *h, const char *service, struct packet *p, const char **user, const char **maildir)
{
	if (!ask(h, service, p)) {
		log_error("ticket-unanswered", log_text("socket", "authd/ticket"));
		return false;
	}
	bool good = strcmp(packet_verb(p), "ok") == 0;
	const char *tag = packet_field(p);
	*user = packet_field(p);
	*maildir = packet_field(p);
	if (good && *maildir != NULL && strcmp(tag, h->id) == 0)
		return true;
	log_warning("ticket-refused", log_text("client", h->address));
	return false;
}

static bool
enter_maildir(const char *maildir, int mail_root, struct maildir *m)
{
	bool ok = maildir_open(m, mail_root, maildir, true);
	if (!ok)
		log_error("maildir-failed", log_text("maildir", maildir), log_errno(),
		    log_text("hint", "it must be beneath mail_root and vmail's, without symbolic links"));
	close(mail_root);
	return ok;
}

bool
arrive(const struct handover *h, const char *service, int mail_root, const struct contract *c, struct maildir *m)
{
	static struct packet p;
	const char *user, *maildir;
	if (!redeem(h, service, &p, &user, &maildir) || !enter_maildir(maildir, mail_root, m))
		return false;
	const struct sandbox_path path = {.fd = m->root, .write = true};
	if (!sandbox_enter(c, &path, 1))
		return false;
	log_info("login", log_text("user", user), log_text("client", h->address),
	    log_text("line", h->encrypted ? "tls" : "plain"));
	return true;
}
