#include "authd/hash_key.h"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/random.h"

bool
hash_key_begin(struct hash_key *k)
{
	void *page = mmap(NULL, HASH_KEY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	madvise(page, HASH_KEY_BYTES, MADV_DONTDUMP);
	k->bytes = page;
	random_bytes(k->bytes, HASH_KEY_BYTES);
	return true;
}

void
hash_key_wipe(struct hash_key *k)
{
	if (k->bytes != NULL)
		explicit_bzero(k->bytes, HASH_KEY_BYTES);
}

static void
add(struct hmac_sha256_ctx *c, struct slice part)
{
	uint8_t length[8];
	for (size_t i = 0; i < sizeof length; i++)
		length[i] = (uint8_t)((uint64_t)part.len >> (8 * i));
	hmac_sha256_update(c, sizeof length, length);
	hmac_sha256_update(c, part.len, (const uint8_t *)part.data);
}

void
hash_key_tag(const struct hash_key *k, const char *purpose, const struct slice *parts, size_t count,
    uint8_t tag[HASH_TAG_BYTES])
{
	struct hmac_sha256_ctx c;
	hmac_sha256_set_key(&c, HASH_KEY_BYTES, k->bytes);
	add(&c, slice_of(purpose));
	for (size_t i = 0; i < count; i++)
		add(&c, parts[i]);
	hmac_sha256_digest(&c, HASH_TAG_BYTES, tag);
	explicit_bzero(&c, sizeof c);
}

void
hash_key_text(const struct hash_key *k, const char *purpose, const struct slice *parts, size_t count, char text[HASH_TAG_TEXT + 1])
{
	uint8_t tag[HASH_TAG_BYTES];
	hash_key_tag(k, purpose, parts, count, tag);
	base64_encode_raw(text, sizeof tag, tag);
	text[HASH_TAG_TEXT] = '\0';
}

void
hash_key_memory(const struct hash_key *k, struct slice login, struct slice rows, struct slice password,
    char text[HASH_TAG_TEXT + 1])
{
	const struct slice parts[] = {login, rows, password};
	hash_key_text(k, "memory", parts, sizeof parts / sizeof *parts, text);
}
