/* Flags and keywords between IMAP's names and the store's bits. */
#ifndef IMAPD_FLAGS_H
#define IMAPD_FLAGS_H

#include "imapd/dialect.h"
#include "imapd/parse.h"
#include "lib/base/stream.h"
#include "lib/store/folder.h"

#define FLAGS_MOST 64 /* in one command */

struct flag_set {
	uint8_t  flags;
	uint32_t keywords;
};

/* The flags of a message, with spaces between them: "\Seen $Forwarded". */
void flags_write(struct output *out, const struct dialect *d, const struct folder *f, const struct message *m);
/* All that the folder knows. */
void flags_write_known(struct output *out, const struct folder *f);

/*
 * Turns names into bits; keywords that the folder does not know are made when
 * `create` is set and left out otherwise, as are those for which there is no
 * room. False with *error for a name that is no flag ("\Foo", "\Recent").
 */
bool flags_resolve(struct folder *f, const struct slice *names, size_t count, bool create, struct flag_set *set,
    const char **error);

/* The bit of a system flag's name ("\Seen"), or 0. */
uint8_t flags_system(struct slice name);

#endif
