/* The command line of a delivery agent, as other mail servers call theirs. */
#ifndef DELIVER_ARGUMENTS_H
#define DELIVER_ARGUMENTS_H

#include <stdbool.h>

struct arguments {
	const char *address;     /* -d: whose mailbox */
	const char *sender;      /* -f; "": the null sender */
	const char *original;    /* -a: the recipient as the sender wrote it; NULL: not said */
	const char *final;       /* -r: what Delivered-To names; NULL: the address */
	const char *folder;      /* -m; NULL: not said */
	bool        refuses;     /* -e: the caller writes the bounce himself */
};

/*
 * Reads argv from `first`. False, with what is wrong on standard error, when
 * there is no address, or something that we do not know. Values stay where they
 * are; the angle brackets of an address are taken off in place.
 */
bool arguments_read(int argc, char **argv, int first, struct arguments *a);

#endif
