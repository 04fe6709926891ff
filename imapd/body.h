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
#include "lib/mail/charset.h"
#include "lib/mail/mime.h"
#include "lib/mail/transfer.h"
#include "lib/store/folder.h"

#define BODY_READ 65536      /* files up to this are read */
#define BODY_MOST (52 << 20) /* bytes mapped, or less where the session's memory does not allow it */

/* Bytes of the file from `start` up to `end`. */
struct body_range {
	uint64_t start, end;
};

/* The stretch that was fetched last, and how far: clients ask for large parts piece by piece. */
struct body_mark {
	struct body_range range; /* empty: none */
	uint64_t          size;  /* of all of it, on the wire */
	struct wire_place place; /* where one may go on */
};

struct body {
	bool             open;
	bool             mapped;
	bool             parsed;   /* the tree is made */
	int              fd;       /* open only while the file is larger than what is in memory; else -1 */
	const struct folder *folder;
	uint32_t         uid;
	uint64_t         size;     /* of the file */
	uint64_t         inode;
	struct slice     text;     /* what of it is in memory */
	struct body_mark mark;
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

/* The part whose header and body a section is taken of; `root` is filled for the message itself. NULL: there is none, or no memory. */
const struct mime_part *body_find(struct body *b, const struct section *section, struct mime_part *root);
/* Where a section of that part lies; of HEADER.FIELDS, the header. */
void body_range(const struct body *b, const struct section *section, const struct mime_part *part, struct body_range *range);
/* The bytes of it, or of a section of that part, as they are in the file, in pieces. */
void body_feed_range(const struct body *b, struct body_range range, struct transfer_taker taker);
void body_feed(const struct body *b, const struct section *section, const struct mime_part *part, struct transfer_taker taker);

/*
 * Writes a section of it as a literal (RFC 3501 section 6.4.5), a part of it
 * when `item` is partial; NIL for a part that is not there.
 */
void body_write_section(struct body *b, struct output *out, const struct fetch_item *item);

/*
 * BINARY (RFC 3516): a part without its content transfer encoding; the message,
 * and what holds other parts, as they are. body_binary_ready() says whether it
 * can be, before the response is begun: false with ENOTSUP for an encoding
 * that is not known, or with ENOMEM.
 */
bool body_binary_ready(struct body *b, const struct section *section);
/* As a literal, or as a literal8 where there is a NUL in it; NIL for a part that is not there. */
void body_write_binary(struct body *b, struct output *out, const struct fetch_item *item);
uint64_t body_binary_size(struct body *b, const struct section *section);
/* Gives the memory back that it took. */
void body_binary_done(void);

/* The charset that a part of text says, or that of mail which says none. */
const struct charset *part_charset(const struct mime_part *p);

#endif
