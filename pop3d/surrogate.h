/*
 * The surrogate for a message whose header is in UTF-8 (RFC 6532), for clients
 * that have not said UTF8 (RFC 6856 section 5): the header in the form that
 * all clients know, after RFC 6858. Names and texts become encoded words, an
 * address that ASCII cannot write becomes one that leads nowhere, parameters
 * take the form of RFC 2231. The body stays as it is, headers of its parts too.
 */
#ifndef POP3D_SURROGATE_H
#define POP3D_SURROGATE_H

#include "lib/base/str.h"

#define SURROGATE_MOST (512u << 10) /* bytes that a header may become */

/*
 * Appends the old form of the header that `text`, the beginning of a message, begins with, and
 * returns how many bytes of `text` it stands for. 0, nothing appended: it needs none (all is
 * ASCII), or cannot have one (it does not end within `text`, or is over budget): it is sent as it is.
 * A field that is no UTF-8 is copied unchanged.
 */
size_t surrogate_header(struct str *into, struct slice text);

#endif
