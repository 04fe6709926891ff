/* Forwarding outside: senders that are rewritten (srs.h), and the way back of their bounces. */
#ifndef AUTHD_REWRITE_H
#define AUTHD_REWRITE_H

#include "authd/classify.h"

/*
 * The sender under which we forward a message of this address: one field, with
 * VERDICT_NO none, and it stays as it is (the null sender, one of our own domains).
 */
enum verdict resolve_forward(struct resolution *r);
/*
 * An address of the SRS domain that looks like one of the scheme. VERDICT_OK:
 * found->class is CLASS_RETURN with the address that it stands for, or
 * CLASS_UNKNOWN when it is forged or expired. VERDICT_NO: it is none such.
 */
enum verdict find_rewritten(struct resolution *r, const struct parts *p, struct finding *found);

#endif
