/* What exchange.c, exchange_row.c and verdict.c share: one authentication under way. */
#ifndef AUTHD_EXCHANGE_H
#define AUTHD_EXCHANGE_H

#include "authd/login.h"

struct exchange {
	struct login_service *service;
	struct conversation  *owner;
	uint64_t              id;
	size_t                worker; /* number in service->hashers */
	enum { BUSY, WAITING, DELAYED } state;
	char                  tag[TAG_MOST + 1];
	char                  mechanism[24]; /* for the log */
	struct str            user;   /* whose row was looked up: who logs in */
	struct str            login;  /* the same as the client knows it */
	struct str            other;  /* whom a master user acts for; empty: himself */
	struct pool_worker   *asking; /* waits for a row; set once: a worker gets one row an exchange */
	bool                  found;  /* there was such a row */
	bool                  stale;  /* it is what was remembered: the database is gone */
	const char           *left_out; /* why rows of his did not count, or NULL */
	/* The answer that is held back. */
	struct timer          delay;
	char                  why[160];
};

/* The worker wants the row of a login, who may act for another ("": himself). */
void exchange_look_up(struct exchange *e, struct pool_worker *w, const char *login, const char *other);

/* Frees the exchange and what waits for it. */
void exchange_end(struct exchange *e);
/* Sends an answer to the front: the verb, the tag, a field, perhaps another. */
void exchange_say(struct exchange *e, const char *verb, const char *field, const char *other);

/* The three ends: logged, said to the front if it is still there (a "no" perhaps after a while), freed. */
void verdict_ok(struct exchange *e, const char *memory);
/* `tried` stands for the wrong password, "" when it is not known. */
void verdict_no(struct exchange *e, const char *why, const char *tried);
void verdict_later(struct exchange *e, const char *why);
/* Of `delay`: the time has come for the "no" that was held back. */
void verdict_after_delay(struct timer *t);
/* The client gave up: no failure. */
void verdict_cancelled(struct exchange *e);

#endif
