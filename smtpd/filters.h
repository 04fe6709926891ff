/*
 * Other people's filters on the way of a message: milters (lib/filter/milter.h)
 * and policy servers (lib/filter/policy.h), as the settings list them. Without
 * any, session.filters is NULL and every function here does nothing.
 *
 * Their sockets are opened before the confinement. The text of a message that
 * milters look at lies in a scratch file of queued's (ARCHITECTURE.md, `scratch`)
 * until they have changed it, and only then goes to the intake: so envelope and
 * text that queued gets are what the filters made of them.
 */
#ifndef SMTPD_FILTERS_H
#define SMTPD_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"

struct session;

/* Connects to what the mode's settings list; one that is away follows its failure mode. False: a setting is wrong (logged), or no memory. */
bool filters_open(struct session *s);

/* Before the greeting. A refusal, here and of HELO, is kept, and is the answer to each MAIL. */
void filters_connect(struct session *s);
/* The client is another one (XCLIENT): filters that can are told, the others go on with what they know. */
void filters_next_client(struct session *s);

/* Of HELO or EHLO, and of a MAIL or RCPT that smtpd has accepted: true, go on. False: a filter refuses, it has been answered. */
bool filters_helo(struct session *s);
/* The envelope has the sender; `parameters` as the client wrote them. The envelope is to be reset when it is false. */
bool filters_mail(struct session *s, struct slice parameters);
/* The envelope does not have the recipient yet. Policy servers are asked first. */
bool filters_rcpt(struct session *s, struct slice address, struct slice parameters);
/* A command that smtpd does not know. False: it has been answered. */
bool filters_unknown(struct session *s, struct slice line);

/* At DATA or the first BDAT. Not done: the answer in place of "go ahead". */
struct outcome filters_data(struct session *s);
/* After that: the text goes to filters_text() and filters_message(), not to the intake. */
bool filters_take_text(const struct session *s);
/* Fields that policy servers put in front of the message; for a text that does not go through filters_message(). */
struct slice filters_prepended(const struct session *s);
/* The next bytes of the text. Trouble is told by filters_message(). */
void filters_text(struct session *s, struct slice bytes);
/*
 * The text is whole. Filters look at it and change it, the result
 * goes to the intake with our trace line. True: it is to be committed. False: it has been answered.
 */
bool filters_message(struct session *s);

/* The message is forgotten, whatever became of it. */
void filters_reset(struct session *s);
/* The session is over. */
void filters_end(struct session *s);

#endif
