/* What the files of a hashing worker share. */
#ifndef AUTHD_HASHER_WORKER_H
#define AUTHD_HASHER_WORKER_H

#include "authd/hasher.h"
#include "authd/mechanisms.h"

#define PASSWORDS_MOST 16 /* rows of one user that are tried */

struct hasher {
	int                   socket;
	struct packet        *packet; /* the answer that is being made */
	const struct hashers *all;
	struct str            model;      /* the last real costly text: an unknown user costs the same */
	size_t                model_rows; /* the most of them that one user was seen with */
};

/* False without memory. */
bool hasher_begin(struct hasher *h, int socket, const struct hashers *all);

/* The verdicts: put into the packet. */
void hasher_ok(struct hasher *h, const char *memory, const char *class);
void hasher_no(struct hasher *h, const char *why, const char *class);
void hasher_later(struct hasher *h, const char *why);

/* --- a user's rows (hasher_row.c) --- */

enum row_state { ROW_FOUND, ROW_NONE, ROW_LATER };

struct row {
	enum row_state state;
	struct str     rows, memory;
};

/* Asks the loop; once an exchange. row_forget() after it. */
void row_ask(struct hasher *h, const char *login, const char *authzid, struct row *r);
void row_forget(struct row *r);
/* The stored text of the next of at most PASSWORDS_MOST rows. False: no more. `count` begins at 0. */
bool row_next_password(struct slice *rest, size_t *count, struct slice *stored);

/* Asks for the user's rows and tries the password on each. Puts the verdict into the packet; true when one is right. */
bool hasher_check(struct hasher *h, const char *login, const char *authzid, const char *password);

/* --- exchanges (hasher_sasl.c) --- */

struct dialogues;
struct dialogues *dialogues_make(struct hasher *h); /* NULL: no memory, no mechanisms */
void sasl_begin(struct dialogues *t, uint64_t id, const char *mechanism, const char *binding, const char *certificate,
    const char *initial);
void sasl_step(struct dialogues *t, uint64_t id, const char *response);
void sasl_drop(struct dialogues *t, uint64_t id);

#endif
