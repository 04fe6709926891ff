/*
 * The file `dovecot-uidlist`, version 3, as Dovecot 2.3 has it:
 *
 *     3 V1700000000 N5 G0123456789abcdef0123456789abcdef
 *     1 :1700000001.M1P1R1.host,S=10,W=11
 *     4 W33 :1700000002.M1P1R1.host
 *
 * uidvalidity, next UID, the folder's GUID; M, which is ours and which Dovecot
 * keeps as it keeps all that it does not know: no mod-sequence above it has
 * been given (lib/store/index.h); then per message its UID, what
 * else is known of it (kept as it was found), and its base behind ':'. Read in
 * one pass, written whole by rename. The store's own.
 */
#ifndef STORE_UIDLIST_H
#define STORE_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define UIDLIST_NAME "dovecot-uidlist"
#define UIDLIST_LOCK "dovecot-uidlist.lock"
#define UIDLIST_MOST (256u << 20)
#define UIDLIST_HEADER_MOST 1024
#define UID_LAST     4294967000u /* from here on the folder is numbered anew, under a new uidvalidity */

struct uid_entry {
	uint32_t     uid;
	struct slice extra; /* "W33 S4", or empty */
	struct slice base;
};

struct uidlist {
	uint32_t     uidvalidity;
	uint32_t     uidnext;
	uint64_t     bound;  /* M; 0: none */
	struct slice others; /* fields of the header that are none of the above, "Gabc Hx" */
	char        *text;   /* the whole file */
	struct slice body;   /* behind the header */
};

enum uidlist_result {
	UIDLIST_OK,
	UIDLIST_ABSENT, /* no file */
	UIDLIST_BROKEN, /* there is one, but it is not what it should be */
	UIDLIST_ERROR,  /* errno */
};

/*
 * Reads it. Entries must have rising UIDs. With `whole` (the lock is held) a
 * last line without its LF is broken; without it it may be one that Dovecot is
 * just appending, and is passed over. Also sets uidnext above all entries.
 */
enum uidlist_result uidlist_read(struct uidlist *l, int directory, bool whole);
void uidlist_free(struct uidlist *l);

/* Parses a text; `text` must live as long. For uidlist_read and tests. */
bool uidlist_parse(struct uidlist *l, struct slice text, bool whole);
/* Takes the next entry from `*rest` (first: l->body). False at the end. */
bool uidlist_next(struct slice *rest, struct uid_entry *e);

/* Writing: begun under the lock, entries in order, ended by rename. */
struct uidlist_writer {
	int    directory, fd;
	bool   failed;
	size_t used;
	char   buffer[16384];
};

bool uidlist_write_begin(struct uidlist_writer *w, int directory, const struct uidlist *head);
void uidlist_write_entry(struct uidlist_writer *w, const struct uid_entry *e);
/* Durable and in place; or false with errno, and the old one stands. */
bool uidlist_write_end(struct uidlist_writer *w);

#endif
