/* A session's first steps, before it reads a byte of its client (sessions.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/front/sessions.h"
#include "lib/ipc/socket.h"
#include "lib/mail/address.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/new_maildir.h"

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

/* What authd said; the texts are the packet's. */
struct resident {
	const char         *user, *maildir;
	struct quota_amount limits;
	uint64_t            domain_limit;
};

/* An authd from before may say less. */
static void
read_limits(struct packet *p, struct resident *r)
{
	if (packet_field_number(p, INT64_MAX, &r->limits.bytes) && packet_field_number(p, INT64_MAX, &r->limits.messages) &&
	    packet_rest(p).len > 0)
		packet_field_number(p, INT64_MAX, &r->domain_limit);
}

static bool
redeem(const struct handover *h, const char *service, struct packet *p, struct resident *r)
{
	*r = (struct resident){.user = NULL};
	if (!ask(h, service, p)) {
		log_error("ticket-unanswered", log_text("socket", "authd/ticket"));
		return false;
	}
	bool good = strcmp(packet_verb(p), "ok") == 0;
	const char *tag = packet_field(p);
	r->user = packet_field(p);
	r->maildir = packet_field(p);
	read_limits(p, r);
	if (good && r->maildir != NULL && strcmp(tag, h->id) == 0)
		return true;
	log_warning("ticket-refused", log_text("client", h->address));
	return false;
}

static bool
enter_maildir(const char *maildir, int mail_root, struct maildir *m)
{
	bool ok = new_maildir_open(m, mail_root, maildir, sessions_running()->new_folders);
	if (!ok)
		log_error("maildir-failed", log_text("maildir", maildir), log_errno(),
		    log_text("hint", "it must be beneath mail_root and vmail's, without symbolic links"));
	return ok;
}

/* The domain's sum can be reached now and never again. */
static void
hold_domain(struct quota_held *h, const struct resident *r, int mail_root, const struct quota_rules *rules)
{
	struct quota_domain d;
	struct slice local, domain;
	*h = (struct quota_held){.open = false};
	if (r->domain_limit == 0)
		return;
	address_split(slice_of(r->user), &local, &domain);
	if (quota_domain_open(&d, mail_root, r->maildir, domain, r->domain_limit, rules)) {
		quota_held_open(h, &d);
		quota_domain_close(&d);
	}
}

/* Whose mailbox it is the daemon hears while this process has read nothing of its client. */
static void
open_account(struct account *a, const struct resident *r, const struct maildir *m, int mail_root, const struct quota_rules *rules)
{
	quota_open(&a->quota, m, r->limits, rules, r->domain_limit > 0);
	hold_domain(&a->domain, r, mail_root, rules);
	a->tally = quota_counts(&a->quota) ? sessions_running()->tally.writing : -1;
	tally_user(sessions_running()->most_of_user > 0 ? sessions_running()->tally.writing : a->tally, r->user);
	bool fits = strlen(r->user) < sizeof a->user;
	snprintf(a->user, sizeof a->user, "%s", fits ? r->user : "");
}

/* False, logged, with errno: he has all that he may have. */
static bool
may_come(const struct handover *h, const char *user)
{
	const struct sessions *s = sessions_running();
	if (s->most_of_user == 0 || sessions_of_user(user) < s->most_of_user)
		return true;
	log_warning("user-sessions-full", log_text("user", user), log_text("client", h->address), log_text("setting", s->user_setting),
	    log_text("hint", "raise that setting, or see which of his clients opens so many"));
	errno = EUSERS;
	return false;
}

bool
arrive(const struct handover *h, const char *service, int mail_root, const struct contract *c, struct maildir *m,
    struct account *a, const struct quota_rules *rules)
{
	static struct packet p;
	struct resident r;
	errno = 0;
	if (!redeem(h, service, &p, &r) || !may_come(h, r.user) || !enter_maildir(r.maildir, mail_root, m))
		return false;
	open_account(a, &r, m, mail_root, rules);
	close(mail_root);
	const struct sandbox_path path = {.fd = m->root, .write = true};
	const struct contract own = sessions_contract(c);
	if (!sandbox_enter(&own, &path, 1))
		return false;
	log_info("login", log_text("user", r.user), log_text("client", h->address),
	    log_text("line", h->encrypted ? "tls" : "plain"));
	return true;
}
