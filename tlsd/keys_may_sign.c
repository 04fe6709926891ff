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

/* Of the groups that a session may use (profile.c): what stands in front of the point (named_curve, number, length). */
static const unsigned char groups[][4] = {
    {3, 0, 29, 32},  /* X25519 */
    {3, 0, 23, 65},  /* P-256 */
    {3, 0, 24, 97},  /* P-384 */
    {3, 0, 30, 56},  /* X448 */
    {3, 0, 25, 133}, /* P-521 */
};

/* RFC 8422 section 5.4. */
static bool
is_key_exchange(struct slice s)
{
	enum { GROUP_HEAD = sizeof groups[0] };
	if (s.len <= HEAD + GROUP_HEAD)
		return false;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (memcmp(s.data + HEAD, groups[i], GROUP_HEAD) == 0)
			return s.len == (size_t)HEAD + GROUP_HEAD + groups[i][3];
	return false;
}

bool
keys_may_sign(struct slice bytes)
{
	return is_certificate_verify(bytes) || is_key_exchange(bytes);
}
