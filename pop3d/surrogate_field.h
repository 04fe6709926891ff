/*
 * A header field in UTF-8 (RFC 6532) in the form that all clients know, as RFC
 * 6858 has it: texts and names become encoded words; an address that ASCII
 * cannot write becomes one that leads nowhere; a field that has no such form
 * is left out. Two things are told that RFC 6858 would drop: parameters take the
 * form of RFC 2231, and a domain alone beyond ASCII is written as DNS has it. Pure.
 */
#ifndef POP3D_SURROGATE_FIELD_H
#define POP3D_SURROGATE_FIELD_H

#include <stdbool.h>

#include "lib/base/str.h"

/*
 * Appends what stands for `field`, a whole field with its folds and its line end. What is no UTF-8 is
 * appended as it is: it is in a charset of old, which clients guess. False: it has no form in ASCII, or `into` is full.
 */
bool surrogate_field(struct str *into, struct slice field);

#endif
