/* OCSP responses (RFC 6960) that stand in a file beside their certificate, to be stapled (RFC 6066 section 8). */
#ifndef TLSD_RESPONSE_H
#define TLSD_RESPONSE_H

#include <stdint.h>

#include <openssl/x509.h>

#include "lib/base/slice.h"

#define RESPONSE_MOST 60000 /* bytes; it travels in one packet */

/*
 * Judges a response in DER: it must say of `leaf` that it is good, be signed
 * by the leaf's issuer, which is the first of `above`, or by whom that one has
 * named for it, and be in its time. Sets `*ends` to its nextUpdate. NULL when it
 * is fit, else what is wrong.
 */
const char *response_fault(struct slice der, X509 *leaf, STACK_OF(X509) *above, int64_t now, int64_t *ends);

#endif
