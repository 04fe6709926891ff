/* What the key process signs: the two forms of a TLS server's handshake and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tlsd/keys.h"

static char bytes[512];

static bool
may_sign(size_t len)
{
	return keys_may_sign(slice_make(bytes, len));
}

/* RFC 8446 section 4.4.3, with another word in its place where `context` says so. */
static size_t
certificate_verify(const char *context, size_t hash)
{
	memset(bytes, ' ', 64);
	memcpy(bytes + 64, context, strlen(context) + 1);
	memset(bytes + 64 + strlen(context) + 1, 0xaa, hash);
	return 64 + strlen(context) + 1 + hash;
}

static void
test_tls13(void **state)
{
	(void)state;
	static const char server[] = "TLS 1.3, server CertificateVerify";
	assert_true(may_sign(certificate_verify(server, 32)));
	assert_true(may_sign(certificate_verify(server, 48)));
	assert_false(may_sign(certificate_verify(server, 0)));
	assert_false(may_sign(certificate_verify(server, 31)));
	assert_false(may_sign(certificate_verify(server, 64)));
	assert_false(may_sign(certificate_verify("TLS 1.3, client CertificateVerify", 32)));
	certificate_verify(server, 32);
	bytes[63] = '!';
	assert_false(may_sign(64 + sizeof server + 32));
}

static size_t
key_exchange(char type, char group, unsigned char said, size_t point)
{
	memset(bytes, 0x55, 64);
	memcpy(bytes + 64, (char[]){type, 0, group, (char)said}, 4);
	memset(bytes + 68, 0xbb, point);
	return 68 + point;
}

static void
test_tls12(void **state)
{
	(void)state;
	assert_true(may_sign(key_exchange(3, 29, 32, 32)));
	assert_true(may_sign(key_exchange(3, 23, 65, 65)));
	assert_true(may_sign(key_exchange(3, 24, 97, 97)));
	assert_true(may_sign(key_exchange(3, 30, 56, 56)));
	assert_true(may_sign(key_exchange(3, 25, 133, 133)));
	assert_false(may_sign(key_exchange(3, 29, 32, 31)));
	assert_false(may_sign(key_exchange(3, 29, 32, 33)));
	assert_false(may_sign(key_exchange(3, 29, 0, 0)));
	assert_false(may_sign(key_exchange(1, 29, 32, 32)));
}

/* Text of any kind fits behind a head of another's choice where group and length may be any. */
static void
test_tls12_of_no_group(void **state)
{
	(void)state;
	assert_false(may_sign(key_exchange(3, 29, 200, 200)));
	assert_false(may_sign(key_exchange(3, 23, 32, 32)));
	assert_false(may_sign(key_exchange(3, 1, 32, 32)));
}

/* A certificate, a token, nothing: what a child that was taken over would rather have signed. */
static void
test_all_else(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof bytes);
	for (size_t len = 0; len <= 68; len++)
		assert_false(may_sign(len));
	memcpy(bytes, "\x30\x82\x01\x0a\x30\x82", 6);
	for (size_t len = 0; len <= sizeof bytes; len++)
		assert_false(may_sign(len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls13),
	    cmocka_unit_test(test_tls12),
	    cmocka_unit_test(test_tls12_of_no_group),
	    cmocka_unit_test(test_all_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
