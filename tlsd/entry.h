/* A pair of files that is kept in use: read again when it changes, the pair from before going on while it is not fit. */
#ifndef TLSD_ENTRY_H
#define TLSD_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsd/pair.h"
#include "tlsd/stamp.h"

enum { ENTRY_CERTIFICATE, ENTRY_KEY, ENTRY_RESPONSE, ENTRY_FILES };

struct entry {
	char        *name;  /* of its directory; "" for the default pair */
	char        *files[ENTRY_FILES];
	struct stamp seen[ENTRY_FILES];
	bool         settled;     /* what was seen was whole: not to be read again until it changes */
	uint64_t     id;          /* of the pair in use; 0: none yet */
	struct pair  pair;
	char         refused[160]; /* why what is there is not used; "" when it is */
	char         complained[160]; /* the same about the OCSP response */
	int64_t      days_told;   /* the last count of days that a line about its end has said */
};

/* Copies the names. NULL when there is no memory. */
struct entry *entry_new(const char *name, const char *certificate, const char *key, const char *response);
void          entry_free(struct entry *e);

enum entry_result {
	ENTRY_SAME,
	ENTRY_NEW,    /* e->pair is a new one; *before holds the one until now (key NULL: none), the caller's to free */
	ENTRY_UNFIT,  /* what is there is not fit, logged if it was not said before; what was in use goes on */
};

/* Looks at the files, and reads them when they have changed or `again` says so. Sets no id. */
enum entry_result entry_look(struct entry *e, bool again, struct pair_rules *rules, struct pair *before);

/* Logs, when it is time for it, that the certificate ends soon or has ended, and that its OCSP response has. */
void entry_note_times(struct entry *e, int64_t now);

#endif
