/*
 * Sieve for deliver: finds a recipient's scripts, has postern-sieve run them
 * on the message, and takes what they want as a plan. The interpreter is a
 * process that was started before the confinement; scripts, envelope and
 * header go to a child of it over a pair (sieve/serve.h has the packets).
 */
#ifndef DELIVER_SIEVE_H
#define DELIVER_SIEVE_H

#include <stdbool.h>

#include "deliver/delivery.h"
#include "lib/base/settings.h"

/* As set. */
struct sieve_config {
	bool        on;
	const char *script;  /* the name of a user's own */
	const char *before;  /* files of the administrator's, "": none */
	const char *fallback;
	bool        create;  /* folders that a script names are made */
};

extern struct sieve_config sieve_config;

#define SIEVE_SETTINGS                                                                                              \
	{"sieve", SETTING_FLAG, "no", "users' Sieve scripts say where their mail goes", &sieve_config.on, 0, 0},    \
	{"sieve_script", SETTING_TEXT, ".dovecot.sieve", "the name of a user's script, in his home or his Maildir",  \
	    &sieve_config.script, 0, 0},                                                                            \
	{"sieve_before", SETTING_TEXT, "", "file with a script that runs before each user's", &sieve_config.before, 0, 0}, \
	{"sieve_default", SETTING_TEXT, "", "file with the script of those who have none", &sieve_config.fallback, 0, 0}, \
	{"sieve_create", SETTING_FLAG, "no", "folders that a script names are made when they are absent",           \
	    &sieve_config.create, 0, 0}

/* Reads the administrator's scripts and starts the interpreter, before the confinement. False, logged. */
bool sieve_prepare(void);
/* The interpreter is gone: this process can run no script any more, and should be replaced. */
bool sieve_is_lost(void);

/*
 * What is to be done with the message of `u`, whose Maildir is open and whose
 * first part is in d->source. Done: `p` is filled; a script that is wrong or
 * fails is logged and keeps the message. Temporary: it cannot be known now.
 */
struct outcome sieve_plan(struct deliverer *d, const struct under_way *u, const char *maildir, struct plan *p);

/* A user's script as text (malloc'ed). NULL with errno: ENOENT when he has none. */
char *sieve_find_script(int mail_root, const struct maildir *m, const char *maildir, size_t *len);

#endif
