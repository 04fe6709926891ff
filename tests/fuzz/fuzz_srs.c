/* SRS: what we sign comes back as it went; what a stranger makes up is never an address of ours, and never no address. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/srs.h"
#include "lib/mail/address.h"

#define DAY 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_reverse(const struct srs_secrets *s, struct slice local)
{
	struct str into = STR_MOST(2048);
	struct address address;
	if (srs_reverse(&into, s, local, DAY) == SRS_OK) {
		enum address_result r = address_parse(str_slice(&into), ADDRESS_UTF8, &address);
		assert(r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG);
	} else {
		(void)srs_is_local(local);
	}
	str_free(&into);
}

static void
check_forward(const struct srs_secrets *s, struct slice text)
{
	struct address sender;
	struct str made = STR_MOST(2048), back = STR_MOST(2048);
	enum address_result r = address_parse(text, ADDRESS_UTF8, &sender);
	if ((r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG) && srs_forward(&made, s, address_text(&sender), "ours.test", DAY) == SRS_OK) {
		struct slice local, domain;
		address_split(str_slice(&made), &local, &domain);
		assert(slice_is(domain, "ours.test") && srs_is_local(local));
		enum srs_result result = srs_reverse(&back, s, local, DAY);
		/* Of one that was rewritten before, the first forwarder's address comes back. */
		if (!srs_is_local(slice_of(sender.local)))
			assert(result == SRS_OK && slice_equal(str_slice(&back), address_text(&sender)));
	}
	str_free(&made);
	str_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct str problem = STR_MOST(512);
	struct srs_secrets own, given;
	assert(srs_secrets_parse(&own, slice_of("a long secret\nan older secret\n"), &problem));
	check_reverse(&own, text);
	check_forward(&own, text);
	if (srs_secrets_parse(&given, text, &problem))
		check_forward(&given, slice_of("al@stranger.test"));
	srs_secrets_wipe(&own);
	srs_secrets_wipe(&given);
	str_free(&problem);
	return 0;
}
