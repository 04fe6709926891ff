/*
 * A message's file, open for reading, and its structure, read when first asked
 * for. The last one stays, as clients ask for one message in several commands.
 *
 * Small files are read into memory, larger ones mapped; of a message beyond
 * BODY_MOST only that much is looked at for its structure, while the whole of
 * it can be fetched all the same.
 */
#ifndef IMAPD_BODY_H
#define IMAPD_BODY_H

#include <stdbool.h>

#include "imapd/parse_fetch.h"
#include "imapd/wire.h"
#include "lib/mail/mime.h"
#include "lib/store/folder.h"

#define BODY_READ 65536      /* files up to this are read */
#define BODY_MOST (52 << 20) /* bytes mapped, or less where the session's memory does not allow it */

struct body {
	bool             open;
	bool             mapped;
	bool             parsed;   /* the tree is made */
	int              fd;       /* open only while the file is larger than what is in memory; else -1 */
	const struct folder *folder;
	uint32_t         uid;
	uint64_t         size;     /* of the file */
	struct slice     text;     /* what of it is in memory */
	/* Kept from message to message: a command reads thousands, and musl maps and unmaps pages for each malloc() of such a size. */
	char            *buffer;
	size_t           room;     /* twice BODY_READ at most */
	struct mime_tree tree;
};

/* Opens the message unless it is the one that is open. False with errno; ENOENT: it has vanished. */
bool body_open(struct body *b, struct folder *f, struct message *m);
/* Gives all memory back. */
void body_close(struct body *b);

/* The structure; NULL without memory. */
const struct mime_tree *body_tree(struct body *b);

/*
 * Writes a section of it as a literal (RFC 3501 section 6.4.5), a part of it
 * when `item` is partial; NIL for a part that is not there.
 */
void body_write_section(struct body *b, struct output *out, const struct fetch_item *item);

#endif
