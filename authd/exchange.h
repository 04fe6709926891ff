/* What exchange.c and verdict.c share: one authentication under way. */
#ifndef AUTHD_EXCHANGE_H
#define AUTHD_EXCHANGE_H

#include "authd/login.h"

struct exchange {
	struct login_service *service;
	struct conversation  *owner;
	uint64_t              id;
	size_t                worker; /* number in service->hashers */
	enum { BUSY, WAITING } state;
	char                  tag[TAG_MOST + 1];
	struct str            user;   /* whose row was looked up */
	struct pool_worker   *asking; /* waits for a row; set once: a worker gets one row an exchange */
	bool                  found;  /* there was such a row */
};

/* Frees the exchange and what waits for it. */
void exchange_end(struct exchange *e);
/* Sends an answer to the front: the verb, the tag, a field, perhaps another. */
void exchange_say(struct exchange *e, const char *verb, const char *field, const char *other);

/* The three ends: logged, said to the front if it is still there, freed. */
void verdict_ok(struct exchange *e);
void verdict_no(struct exchange *e, const char *why);
void verdict_later(struct exchange *e, const char *why);

#endif
