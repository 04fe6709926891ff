#include <string.h>

#include "tlsd/keys.h"

/* Both forms begin with 64 bytes: the client's and the server's random (1.2), or as many spaces (1.3). */
#define HEAD 64

static const char spaces[HEAD + 1] = "                                                                ";

/* RFC 8446 section 4.4.3. */
static bool
is_certificate_verify(struct slice s)
{
	static const char context[] = "TLS 1.3, server CertificateVerify"; /* its NUL is signed too */
	size_t before = HEAD + sizeof context;
	if (s.len != before + 32 && s.len != before + 48) /* the hash of the handshake: SHA-256, SHA-384 */
		return false;
	return memcmp(s.data, spaces, HEAD) == 0 && memcmp(s.data + HEAD, context, sizeof context) == 0;
}

/* RFC 8422 section 5.4: named_curve, two bytes of its number, a byte of length and the point. */
static bool
is_key_exchange(struct slice s)
{
	enum { NAMED_CURVE = 3, GROUP_HEAD = 4 };
	if (s.len <= HEAD + GROUP_HEAD)
		return false;
	const unsigned char *group = (const unsigned char *)s.data + HEAD;
	return group[0] == NAMED_CURVE && s.len == (size_t)HEAD + GROUP_HEAD + group[3];
}

bool
keys_may_sign(struct slice bytes)
{
	return is_certificate_verify(bytes) || is_key_exchange(bytes);
}
