/*
 * Writing IMAP's data: strings, literals, the structure of messages. Here and
 * not in imapd/, because the store keeps envelope and structure as they are
 * sent, and writes them at delivery: into memory (output_open_memory()), which
 * fails where a client would get NIL for want of memory.
 */
#ifndef MAIL_IMAP_REPLY_H
#define MAIL_IMAP_REPLY_H

#include "lib/base/stream.h"
#include "lib/mail/header.h"
#include "lib/mail/mime.h"

/* Quoted where that can be, as a literal otherwise. */
void reply_string(struct output *out, struct slice text);
/* The same; NIL for a slice without data. */
void reply_nstring(struct output *out, struct slice text);
/* A header value in one line, trimmed; NIL for a slice without data. */
void reply_header_value(struct output *out, struct slice value);
/* An atom where that can be, as folder and header names mostly can. */
void reply_astring(struct output *out, struct slice name);
/* The same for UTF-8 without controls, quoted, to a client that has said it can read that (RFC 9051 section 4.3, RFC 6855 section 3). */
void reply_utf8_astring(struct output *out, struct slice name);

/* Without memory for a part of it a client gets what there is; what would be kept fails. */
void reply_incomplete(struct output *out, bool incomplete);

/* "(date subject from ...)" of the header at the start of `message` (RFC 3501 section 7.4.2). */
void reply_envelope(struct output *out, struct slice message);

/* The body structure of tree->parts[index]; without `extended` as FETCH BODY gives it. */
void reply_structure(struct output *out, const struct mime_tree *tree, uint32_t index, struct slice message, bool extended);

#endif
