/* Mod-sequences in a session (RFC 7162 section 3.1). */
#ifndef IMAPD_CONDSTORE_H
#define IMAPD_CONDSTORE_H

#include "imapd/session.h"

/* The client has used a command that enables CONDSTORE: from now on it is told mod-sequences. */
void condstore_begin(struct session *s);
/* The selected folder has them; else a command that needs them is a mistake (section 3.1.2.2). */
bool condstore_possible(const struct session *s);
struct answer condstore_impossible(void);

/* Whether a message is newer than `modseq`; one whose number is not known yet may be. */
bool condstore_is_newer(const struct message *m, uint64_t modseq);

/* "MODSEQ (n)", for a FETCH response. */
void condstore_write(struct output *out, const struct message *m);
/* "* OK [HIGHESTMODSEQ n]" of what this client was told all of, or [NOMODSEQ]. */
void condstore_tell_highest(struct session *s);
/* The code of a tagged OK that says the same; NULL when the client did not enable QRESYNC. */
const char *condstore_code(struct session *s);

#endif
