/*
 * All certificates of the key process: the default pair, and those in the
 * directory of the setting `certificates`, one pair in a directory each.
 */
#ifndef TLSD_STOCK_H
#define TLSD_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsd/entry.h"
#include "tlsd/profile.h"

struct stock_places {
	const char *certificate, *key; /* absolute: of the default pair */
	const char *directory;         /* absolute; "": none */
};

struct stock_look {
	bool   changed; /* pairs are other ones than before */
	size_t unfit;   /* that were found unfit in this look */
};

/*
 * Looks whether files are new, changed or gone, and reads those. `again`: all of them; `aloud`: what was refused
 * and said before is said again.
 */
struct stock_look stock_look(const struct stock_places *places, const struct profile *profile, bool again, bool aloud);
/* Writes the lines about what ends soon. */
void stock_note_times(void);

/* The entries; number 0 is the default pair. Those without a pair have the id 0. */
size_t        stock_count(void);
struct entry *stock_entry(size_t number);

/* The key of that id, also for a while after it was replaced (retired.h). NULL: not known. */
EVP_PKEY *stock_key(uint64_t id);

#endif
