/*
 * Tags of passwords that were right a moment ago, by login: with them a webmail
 * that logs in for each page costs no hash. A tag is a worker's (hasher.h): it
 * stands for login, row and password under a key that dies with this start, so
 * it serves no longer than the row stays as it is. Fixed memory, which children
 * do not see.
 */
#ifndef AUTHD_REMEMBERED_H
#define AUTHD_REMEMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/siphash.h"
#include "lib/base/slice.h"

#define REMEMBERED_SLOTS      8192
#define REMEMBERED_TAG_MOST   63
#define REMEMBERED_LOGIN_MOST 255 /* longer ones are not remembered */

struct remembered_slot {
	int64_t  until; /* clock_ms(); 0: free */
	uint16_t len;
	char     login[REMEMBERED_LOGIN_MOST];
	char     tag[REMEMBERED_TAG_MOST + 1];
};

struct remembered {
	uint64_t                life; /* seconds; 0: nothing is remembered */
	struct siphash_key      key;
	struct remembered_slot *slots;
};

/* False without memory. */
bool remembered_begin(struct remembered *r);
void remembered_note(struct remembered *r, struct slice login, const char *tag, int64_t now);
/* The tag, or "". */
const char *remembered_find(const struct remembered *r, struct slice login, int64_t now);

#endif
