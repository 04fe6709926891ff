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
 * else is known of it (kept as it was found), and its base behind ':'.
 *
 * As Dovecot does: a new UID is a line that is appended under the lock and made
 * durable; the header stays, and the next UID is N or the highest UID and one
 * more. Lines of messages that are gone stay too, until the list is written
 * anew (whole, by rename): when much of it is such lines, when the header must
 * say something else, and when something is not as it should be:
 *
 *     whole lines     each was durable before its UID was shown
 *     a torn end      a line without its LF: a writer was killed, or writes just
 *                     now; nobody was told its UID. Readers pass it over; who
 *                     has the lock writes the list anew, and its number is not
 *                     given again
 *
 * Of two lines with one base the last one counts. The store's own.
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
	uint32_t     uidnext; /* above all entries */
	uint64_t     bound;  /* M; 0: none */
	struct slice others; /* fields of the header that are none of the above, "Gabc Hx" */
	char        *text;   /* what was read */
	struct slice body;   /* behind the header */
	uint64_t     end;    /* bytes of the file up to the end of the last whole line */
	bool         torn;   /* there is a piece of a line behind that */
	bool         part;   /* body is what was asked for, not all entries */
	bool         old;    /* version 1, or without a GUID: Dovecot does not append to it */
};

enum uidlist_result {
	UIDLIST_OK,
	UIDLIST_ABSENT, /* no file */
	UIDLIST_BROKEN, /* there is one, but it is not what it should be */
	UIDLIST_ERROR,  /* errno */
};

/* Reads it whole. Entries must have rising UIDs. */
enum uidlist_result uidlist_read(struct uidlist *l, int directory);
/*
 * Reads the header and the entries from UID `next` on, which begin at byte `from`
 * if nothing but appending was done since that was known: the line before must
 * have a lower UID, the first one behind it none. Anything but UIDLIST_OK: read
 * it whole. uidnext is above N and the entries that were read.
 */
enum uidlist_result uidlist_read_behind(struct uidlist *l, int directory, uint64_t from, uint32_t next);
void uidlist_free(struct uidlist *l);
/* What is read in it may be shown: it is durable, also when who appended it is still busy with that. */
bool uidlist_sync(int directory);

/* Parses a text; `text` must live as long. For uidlist_read and tests. */
bool uidlist_parse(struct uidlist *l, struct slice text);
/* Takes the next entry from `*rest` (first: l->body). False at the end. */
bool uidlist_next(struct slice *rest, struct uid_entry *e);

/* Writing: begun under the lock, entries in order, ended by rename or, appending, by a sync. */
struct uidlist_writer {
	int    directory, fd;
	bool   failed, appends;
	size_t used;
	char   buffer[16384];
};

bool uidlist_write_begin(struct uidlist_writer *w, int directory, const struct uidlist *head);
/*
 * Behind l->end of the list as it was read under this lock. False with errno
 * (EAGAIN) when it does not end there with a line's end: write it anew.
 */
bool uidlist_append_begin(struct uidlist_writer *w, int directory, uint64_t end);
void uidlist_write_entry(struct uidlist_writer *w, const struct uid_entry *e);
/*
 * Durable and in place; or false with errno: the old one stands, and of what was
 * appended any part may be there, which is true as far as its lines are whole.
 */
bool uidlist_write_end(struct uidlist_writer *w);
/* Appending, without the sync: the list, open, for who syncs and closes it; -1 with errno. Nothing is shown before that. */
int uidlist_append_end_unsynced(struct uidlist_writer *w);

#endif
