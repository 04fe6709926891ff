/* One exchange of a mechanism, between hasher_sasl.c and the files that run mechanisms. */
#ifndef AUTHD_HASHER_SASL_H
#define AUTHD_HASHER_SASL_H

#include <gsasl.h>

#include "authd/hasher_worker.h"

#define BLOB_MOST 12288 /* RFC 4954 section 4 */

struct dialogue {
	uint64_t                id; /* 0: free */
	uint64_t                age;
	struct hasher          *hasher;
	const struct mechanism *mechanism;
	Gsasl_session          *session;   /* NULL: CRAM-MD5 */
	struct str              binding, certificate;
	struct str              challenge; /* CRAM-MD5's */
	struct slice            input;     /* of this step; a NUL stands behind it */
	unsigned                steps;
	bool                    said;  /* the verdict is in the packet */
	bool                    over;  /* the client was right and has been sent the server's last word */
	const char             *class; /* of the verdict */
	char                    why[HASH_WHY_MOST]; /* should the client be wrong; "": the library says */
};

enum step {
	STEP_MORE,  /* `output` is the challenge */
	STEP_RIGHT, /* `output` is the server's last word, or nothing */
	STEP_WRONG,
	STEP_SAID,
};

/* hasher_mechanisms.c: libgsasl's */
int        library_asks(Gsasl *library, Gsasl_session *session, Gsasl_property property);
enum step  library_step(struct dialogue *d, struct slice input, struct str *output);
/* hasher_cram.c */
enum step  cram_step(struct dialogue *d, struct slice input, struct str *output);

/* --- a secret for a mechanism that needs another than hash_check() (hasher_secret.c) --- */

/* `d` learns what to say when the client is wrong. False: there is none, and the client gets a made-up one (or `d->said`). */
bool secret_find(struct dialogue *d, const char *login, const char *authzid, struct row *row);
/* The next row whose secret the mechanism can take; hash_close() after it. */
bool secret_next(struct dialogue *d, struct slice *rest, size_t *count, struct hash *h);

#endif
