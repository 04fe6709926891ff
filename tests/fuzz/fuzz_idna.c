/* Domains in both forms: what is made stays what it is, and is never more than DNS takes. */
#include <assert.h>
#include <stdint.h>

#include "lib/mail/address.h"
#include "lib/mail/idna.h"
#include "lib/mail/punycode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_punycode(struct slice text)
{
	unsigned characters[PUNYCODE_CHARACTERS_MOST], again[PUNYCODE_CHARACTERS_MOST];
	struct str encoded = STR_MOST(4096);
	size_t count, there;
	if (!punycode_decode(text, characters, &count))
		return;
	assert(punycode_encode(characters, count, &encoded));
	assert(punycode_decode(str_slice(&encoded), again, &there) && there == count);
	for (size_t i = 0; i < count; i++)
		assert(again[i] == characters[i]);
	str_free(&encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice domain = slice_make((const char *)data, size);
	struct str ascii = STR_MOST(4096), wide = STR_MOST(4096), back = STR_MOST(4096);
	check_punycode(domain);
	if (idna_to_ascii(domain, &ascii)) {
		assert(ascii.len > 0 && ascii.len <= IDNA_NAME_MOST && address_is_ascii(str_slice(&ascii)));
		assert(idna_to_ascii(str_slice(&ascii), &back) && slice_equal(str_slice(&ascii), str_slice(&back)));
		assert(idna_to_unicode(domain, &wide) && address_is_utf8(str_slice(&wide)));
		str_clear(&back);
		assert(idna_to_ascii(str_slice(&wide), &back) && slice_equal(str_slice(&ascii), str_slice(&back)));
	}
	str_free(&ascii);
	str_free(&wide);
	str_free(&back);
	return 0;
}
