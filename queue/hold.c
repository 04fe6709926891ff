/*
 * What is held: not tried until an administrator says so, however old it gets.
 * A message comes held from smtpd (hold= in its header), or an administrator
 * holds it (control_change.c). The word in the file's line `tries` is the state;
 * STATES.md has the steps. Here everybody is told of it.
 */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/manager.h"
#include "queue/told.h"

#define TEXT_MOST 513

static void
log_held(const struct message *m)
{
	char login[TEXT_MOST], why[TEXT_MOST], hint[64 + ID_LETTERS];
	queue_file_with_text(&m->file, "login", login, sizeof login);
	queue_file_with_text(&m->file, "hold", why, sizeof why);
	snprintf(hint, sizeof hint, "postern-queuectl release %s, or delete", m->name);
	log_warning("held", log_text("queue", m->name), log_slice("from", m->file.sender), log_text("login", login),
	    log_number("recipients", (int64_t)m->file.count), log_text("reason", why), log_text("hint", hint));
}

static struct told told;

void
hold_prepare(void)
{
	told_begin(&told);
}

void
hold_told(const struct message *m)
{
	struct slice login, why;
	if (queue_file_with(&m->file, "hold", &why) && queue_file_with(&m->file, "login", &login))
		told_add(&told, login, (uint64_t)clock_unix());
}

void
hold_not_told(const struct message *m)
{
	struct slice login;
	if (queue_file_with(&m->file, "login", &login))
		told_remove(&told, login);
}

static bool
wants_notice(const struct message *m)
{
	struct slice login;
	return queue_file_with(&m->file, "hold-notice", &login) ||
	    (queue_file_with(&m->file, "login", &login) && !told_has(&told, login, (uint64_t)clock_unix()));
}

void
hold_tell(struct message *m)
{
	log_held(m);
	if (!wants_notice(m)) {
		message_told(m, true);
		return;
	}
	/* At once: what comes behind it meanwhile makes no second notice. */
	hold_told(m);
	m->bouncing = true;
	bouncer_tell(m);
}
