/* Writing IMAP's data: strings, literals, the structure of messages. */
#ifndef IMAPD_REPLY_H
#define IMAPD_REPLY_H

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

/* "(date subject from ...)" of the header at the start of `message` (RFC 3501 section 7.4.2). */
void reply_envelope(struct output *out, struct slice message);

/* The body structure of tree->parts[index]; without `extended` as FETCH BODY gives it. */
void reply_structure(struct output *out, const struct mime_tree *tree, uint32_t index, struct slice message, bool extended);

#endif
