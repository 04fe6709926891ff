/*
 * The Sender Rewriting Scheme: the sender of what an alias forwards becomes an
 * address of ours that a bounce can be carried back through. As published
 * (Wong, "SRS", 2003; libsrs2, postsrsd), so that addresses and secrets of those
 * serve on:
 *
 *     SRS0=HASH=TIME=domain=local@ours             of a sender anywhere
 *     SRS1=HASH=forwarder==HASH=TIME=domain=local@ours   of one that was rewritten before
 *
 * TIME is the day mod 1024 in base32. HASH is the beginning of the base64 of
 * HMAC-SHA1 over what follows it, in lower case and without the separators;
 * it is compared without case, since hosts change that. The functions are pure.
 */
#ifndef AUTHD_SRS_H
#define AUTHD_SRS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define SRS_SECRETS_MOST 16
#define SRS_DAYS         21 /* that an address is good for */

struct srs_secrets {
	struct str text;
	size_t     count;
	struct { size_t at, len; } lines[SRS_SECRETS_MOST]; /* the first one signs, all verify */
};

/* One a line; empty ones and comments are passed over. False with "line N: ..." in `problem`. Wipe it in any case. */
bool srs_secrets_parse(struct srs_secrets *s, struct slice text, struct str *problem);
void srs_secrets_wipe(struct srs_secrets *s);

enum srs_result {
	SRS_OK,
	SRS_NONE,    /* not such an address */
	SRS_FORGED,  /* its hash is not ours, or it lacks a part */
	SRS_EXPIRED,
	SRS_TROUBLE, /* too long */
};

/* Whether a local part looks like one of the scheme. */
bool srs_is_local(struct slice local);
/* Appends the address under which `sender` (canonical, with a domain) is forwarded. `day`: since 1970. */
enum srs_result srs_forward(struct str *into, const struct srs_secrets *s, struct slice sender, const char *domain, int64_t day);
/* Appends the address (canonical) that the local part (canonical, of our SRS domain) stands for. */
enum srs_result srs_reverse(struct str *into, const struct srs_secrets *s, struct slice local, int64_t day);

#endif
