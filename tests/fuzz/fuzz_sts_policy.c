/* sources: sts/policy.c sts/cache.c */
/* Policies, records and cache files of MTA-STS: what is taken of them is within the text and fit for a packet and a log line. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sts/cache.h"
#include "sts/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_within(struct slice part, struct slice text)
{
	assert(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

static void
check_policy(const struct sts_policy *p, struct slice text)
{
	assert(p->max_age <= STS_AGE_MOST && p->count <= STS_MX_MOST && (p->count > 0 || p->mode == STS_NONE));
	assert(sts_mode_word(p->mode) != NULL);
	for (size_t i = 0; i < p->count; i++) {
		check_within(p->mx[i], text);
		assert(p->mx[i].len > 0 && p->mx[i].len <= STS_DOMAIN_MOST + 2);
		for (size_t k = 0; k < p->mx[i].len; k++)
			assert(p->mx[i].data[k] > ' ' && (unsigned char)p->mx[i].data[k] < 0x7f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sts_policy p;
	static struct cached c;
	struct slice text = slice_make((const char *)data, size), id;
	const char *why = NULL;
	if (sts_policy_parse(text, &p, &why))
		check_policy(&p, text);
	assert(why != NULL);
	if (sts_record_parse(text, &id)) {
		check_within(id, text);
		assert(id.len <= STS_ID_MOST);
	}
	if (cached_parse(text, &c)) {
		check_within(c.id, text);
		check_policy(&c.policy, text);
		assert(cached_left(&c, INT64_MAX) <= STS_AGE_MOST && cached_left(&c, 0) <= STS_AGE_MOST);
		cached_is_old(&c, 0, 1);
	}
	if (sts_is_domain(text))
		assert(text.len > 0 && memchr(text.data, '/', text.len) == NULL && text.data[0] != '.' && memchr(text.data, '\0', text.len) == NULL);
	return 0;
}
