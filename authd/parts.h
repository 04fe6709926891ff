/* An address as the tables are asked for it: in lower case, with and without its extension, its domain alone. */
#ifndef AUTHD_PARTS_H
#define AUTHD_PARTS_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct parts {
	struct str written;   /* as it was asked */
	struct str full;      /* lower case, whole */
	struct str base;      /* lower case, without the extension; empty when there is none */
	struct str extension; /* as written; empty too in "user+@domain", which has a base all the same */
	struct str catch_all; /* lower case "@domain"; empty without a domain */
};

/* `delimiters`: what parts user and extension; "" for none. False: no memory, or longer than MAP_KEY_MOST. Free it in both cases. */
bool parts_take(struct parts *p, struct slice address, const char *delimiters);
void parts_free(struct parts *p);

/*
 * A domain beyond ASCII has two forms (lib/mail/idna.h), and a table may hold
 * either, whatever the client writes. Postfix knows the one that it is given.
 */
enum domain_form {
	FORM_ASCII,   /* xn--bcher-kva.example */
	FORM_UNICODE, /* bücher.example */
	FORM_COUNT,
};

/* Appends the domain in this form. False: it is in it, or has no other. */
bool parts_print_form(struct slice domain, enum domain_form form, struct str *into);
/* The address with its domain in this form. False: as above, or no memory. Free it when it is true. */
bool parts_in_form(const struct parts *p, enum domain_form form, const char *delimiters, struct parts *other);

/* Slices of the parts; of an address without a domain that one is empty. */
struct slice parts_domain(const struct parts *p);        /* lower case */
struct slice parts_local(const struct parts *p);         /* as written */
struct slice parts_local_lower(const struct parts *p);
bool         parts_is_postmaster(const struct parts *p);

/*
 * The domain above this one; empty: there is none. Each is asked for, and a
 * domain may have 500 labels: of a longer one the last PARENT_LABELS count.
 */
#define PARENT_LABELS 8
struct slice parts_parent(struct slice domain);

#endif
