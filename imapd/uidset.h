/* The UID sets of COPYUID and APPENDUID (RFC 4315): pairs of old and new UIDs, runs of them as ranges. */
#ifndef IMAPD_UIDSET_H
#define IMAPD_UIDSET_H

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct uid_pair {
	uint32_t from, to;
};

/*
 * Appends "COPYUID validity 1:3,7 11:13,20". Both sets are in the order of the
 * pairs, as the RFC wants them to be matched. False when `into` is full.
 */
bool uidset_copyuid(struct str *into, uint32_t validity, const struct uid_pair *pairs, size_t count);
/* The same of "APPENDUID validity 11:13,20": the pairs' new UIDs. */
bool uidset_appenduid(struct str *into, uint32_t validity, const struct uid_pair *pairs, size_t count);

#endif
