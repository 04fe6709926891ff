/* The certificates that sessions may show, by the name that a client asks for. All of it is public. */
#ifndef TLSD_SHELF_H
#define TLSD_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* For each name one certificate of each kind of key; the client's signature algorithms decide. */
enum shelf_kind { SHELF_RSA, SHELF_EC, SHELF_KINDS };

struct certificate {
	uint64_t        id; /* of its key, in the key process */
	char           *file, *key; /* for people; "RSA-2048" */
	enum shelf_kind kind;
	int64_t         ends;
	char           *chain; /* DER */
	size_t          chain_len;
	char           *names; /* with spaces between */
	char           *response; /* OCSP, DER; NULL: none */
	size_t          response_len;
	int64_t         response_ends;
};

struct shelf_choice {
	const struct certificate *of[SHELF_KINDS]; /* NULL: none of that kind */
};

struct shelf;

struct shelf *shelf_new(void);
void          shelf_free(struct shelf *s);

/* Adds a certificate; the first is the default. Texts and bytes are copied. False when there is no memory. */
bool shelf_add(struct shelf *s, uint64_t id, const char *file, const char *key, int64_t ends, struct slice chain);
/* To the one that was added last. False when there is none, or no memory. */
bool shelf_add_names(struct shelf *s, struct slice names);
bool shelf_add_response(struct shelf *s, int64_t ends, struct slice der);
/* Once, when all were added: makes them findable. False when there is none, or no memory. */
bool shelf_finish(struct shelf *s);

size_t                    shelf_count(const struct shelf *s);
const struct certificate *shelf_get(const struct shelf *s, size_t number);
size_t                    shelf_bytes(const struct shelf *s); /* of memory, about */

/*
 * The certificates for a name (any case; NULL: none was asked for): those that
 * bear it, else those with a wildcard in place of its first label (RFC 6125
 * section 6.4.3), else the default. Of several of one kind the one that is valid longest.
 */
struct shelf_choice shelf_find(const struct shelf *s, const char *name);
/* The default certificate, and one of the other kind that bears its first name, if there is such. */
struct shelf_choice shelf_default(const struct shelf *s);

#endif
