/*
 * The recipients of RCPT lines that a pipelining client has sent already (RFC
 * 2920) are asked of authd together with the one whose turn it is: one question
 * for many. Nothing is decided ahead: each line is read, checked and answered
 * in its turn, and finds there what authd said.
 */
#ifndef SMTPD_FORESEE_H
#define SMTPD_FORESEE_H

#include "lib/mail/address.h"
#include "smtpd/services.h"

/* The path behind "RCPT TO:" as all of smtpd reads it; `*rest` are the parameters. */
enum address_result recipient_parse(const struct session *s, struct slice path, struct address *a, struct slice *rest);

/* What authd said of this recipient when it was asked ahead. False: it was not. */
bool foresee_take(struct session *s, struct slice address, enum recipient_class *class, uint64_t *size_most);
/* Puts recipients of the lines that wait behind this one's into the question, and remembers them. How many. */
size_t foresee_ask(struct session *s, struct slice address, struct packet *p);
/* What was answered for the next of them, in the order of the question. */
void foresee_learn(struct session *s, enum recipient_class class, uint64_t size_most);
/* All is forgotten. */
void foresee_forget(struct session *s);

#endif
