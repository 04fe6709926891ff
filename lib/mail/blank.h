/* White space, folds and comments between the tokens of structured fields (RFC 5322 section 3.2.2, CFWS). */
#ifndef MAIL_BLANK_H
#define MAIL_BLANK_H

#include "lib/base/cursor.h"

/* Takes white space, line ends and comments (comments within comments too; one without an end takes all). */
void blank_skip(struct cursor *c);

#endif
