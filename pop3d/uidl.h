/*
 * Unique ids (UIDL, RFC 1939 section 7): the setting pop3_uidl_format, in the
 * words of Dovecot's setting of that name. Pure: no file, no client.
 */
#ifndef POP3D_UIDL_H
#define POP3D_UIDL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/str.h"

#define UIDL_MOST       70 /* characters, RFC 1939 section 7 */
#define UIDL_PARTS_MOST 16
#define UIDL_FORMAT     "%08Xu%08Xv"

struct uidl_part {
	char         token; /* u v f g; 0: text */
	bool         hex;
	uint8_t      width; /* at least, with zeros */
	struct slice text;
};

struct uidl_format {
	struct uidl_part parts[UIDL_PARTS_MOST];
	size_t           count;
	bool             guid; /* it wants the GUID */
};

/* What a message gives. */
struct uidl_facts {
	uint32_t     uid, uidvalidity;
	struct slice base; /* the name of its file without flags */
	struct slice guid; /* empty: the base, as Dovecot has it */
};

/*
 * Reads a format: %u UID, %v UIDVALIDITY, %f file name, %g GUID, %% itself; X
 * makes a number hexadecimal and 08 pads it ("%08Xu"); long names ("%{uid}",
 * and Dovecot 2.4's "%{uid | hex(8)}"). `text` must live as long. NULL, or
 * what is wrong: without u, f or g two messages would have one id.
 */
const char *uidl_format_read(struct uidl_format *f, struct slice text);

/* Appends the id as the format says, not yet bounded. False: no memory. */
bool uidl_append(struct str *into, const struct uidl_format *f, const struct uidl_facts *m);

/*
 * Makes what stands in `s` from `start` on an id that RFC 1939 allows: 1 to `most`
 * characters of 0x21 to 0x7E. What is none becomes a hash of itself. True: it was changed.
 */
bool uidl_bound(struct str *s, size_t start, size_t most);

#endif
