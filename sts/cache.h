/*
 * What has been fetched, one text file a domain, with the domain's name:
 *
 *     id: 20260831085700Z
 *     fetched: 1795000000
 *
 *     version: STSv1
 *     mode: enforce
 *     ...
 *
 * Behind the empty line stands the policy as it came. A file may be deleted at
 * any time (then the domain's next answer is what it says now); what is not
 * fit counts as absent.
 */
#ifndef STS_CACHE_H
#define STS_CACHE_H

#include "sts/policy.h"

struct cached {
	struct slice      id;
	int64_t           fetched; /* seconds since 1970 */
	struct sts_policy policy;
	char             *memory; /* that the slices are in; sts_cache_free() */
};

/* Reads the text of such a file. */
bool cached_parse(struct slice text, struct cached *c);
/* Seconds that it still counts; 0: no more. A clock that was set back makes it fresh, never lets it count longer than max_age from now. */
uint64_t cached_left(const struct cached *c, int64_t now);

/* It is so old (`refresh` seconds, or half of its life) that its successor is fetched: it must not end while nobody can be asked. */
bool cached_is_old(const struct cached *c, int64_t now, uint64_t refresh);

/* The file of a domain in the directory; false when there is none that counts now. */
bool sts_cache_read(int directory, const char *domain, int64_t now, struct cached *c);
void sts_cache_free(struct cached *c);
/* Whole and durable, or false with errno. */
bool sts_cache_write(int directory, const char *domain, struct slice id, int64_t now, struct slice policy);
/* Its file, if what it says counts no more, or is not fit. True: it was removed. */
bool sts_cache_sweep(int directory, const char *domain, int64_t now);
/* How many files there are. */
uint64_t sts_cache_count(int directory);

#endif
