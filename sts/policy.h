/* The two texts of MTA-STS (RFC 8461): the TXT record that names a policy's id, and the policy. Pure: they touch nothing but the text. */
#ifndef STS_POLICY_H
#define STS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define STS_TEXT_MOST   60000    /* bytes of a policy; RFC 8461 section 3.3 suggests 64 KB */
#define STS_MX_MOST     256
#define STS_ID_MOST     32
#define STS_AGE_MOST    31557600 /* seconds: section 3.2 */
#define STS_DOMAIN_MOST 253

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	uint64_t      max_age; /* seconds, at most STS_AGE_MOST */
	size_t        count;
	struct slice  mx[STS_MX_MOST]; /* within the text: "mail.example.org" or "*.example.org" */
};

const char *sts_mode_word(enum sts_mode mode);

/*
 * Reads a policy (section 3.2): lines of key and value that end in LF or CRLF; of a key that comes again the first counts (but for
 * mx), unknown ones are passed over. False: it is none; `*why` is a few words for the log.
 */
bool sts_policy_parse(struct slice text, struct sts_policy *p, const char **why);

/* Reads the text of one TXT record (section 3.1). False: it is no record of MTA-STS. An id that is not fit gives an empty one. */
bool sts_record_parse(struct slice text, struct slice *id);

/* A name that may be asked for, and that may be a file's name: lower case, letters, digits, "-", "_", and single dots within. */
bool sts_is_domain(struct slice name);

#endif
