/* Within lib/mail: the parts of seven_bit.c, their headers and bodies. */
#ifndef MAIL_SEVEN_BIT_PART_H
#define MAIL_SEVEN_BIT_PART_H

#include "lib/mail/seven_bit.h"

/* Writes what needs no encoding; nothing while it looks. */
void seven_give(struct seven_bit *s, struct slice bytes);

/* The header of the next part begins: of a message, or of a part whose multipart says what it is without a Content-Type. */
void seven_open_part(struct seven_bit *s, bool is_message, bool in_digest);
/* What stands between parts begins. */
void seven_open_between(struct seven_bit *s);
/* The body of the innermost part ends. */
void seven_close_part(struct seven_bit *s);

/* The start of a line of the header; and more of it, with its line end. */
void seven_begin_header_line(struct seven_bit *s, struct slice bytes);
void seven_header_bytes(struct seven_bit *s, struct slice bytes);
/* With its empty line, or without. Opens what stands behind it. */
void seven_end_header(struct seven_bit *s, bool with_line);

void seven_body_bytes(struct seven_bit *s, struct slice bytes);
/* The line end that was held back is the body's. */
void seven_release_line_end(struct seven_bit *s);

/* A line of that length was there; a CR or LF that is data. */
void seven_note_line(struct seven_bit *s, size_t len);
void seven_note_bare(struct seven_bit *s);

#endif
