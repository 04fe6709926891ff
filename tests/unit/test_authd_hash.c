/*
 * Password hashes: each scheme with a text that another program made (Dovecot
 * 2.3's doveadm pw where nothing else is said), the texts cut and changed, and
 * the rules. Then what the mechanisms take of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/hash.h"
#include "authd/hash_cram.h"
#include "authd/hash_key.h"
#include "authd/hash_scram.h"
#include "authd/mechanisms.h"
#include "lib/base/encode.h"

#define PASSWORD "Secret w\xc3\xb6rds"

static const struct hash_rules all = {.weak = "DES-CRYPT MD5-CRYPT NT PLAIN-MD5 LDAP-MD5 SMD5 SHA SSHA SHA256 SHA512 CRAM-MD5"};

static const char *const texts[] = {
    "{PLAIN}Secret w\xc3\xb6rds",
    "{cleartext}Secret w\xc3\xb6rds",
    "{PLAIN.B64}U2VjcmV0IHfDtnJkcw==",
    "{plain.base64}U2VjcmV0IHfDtnJkcw==",
    "{PLAIN.HEX}5365637265742077c3b6726473",
    "{CRYPT}$2y$05$5xXWa0Qmnkp3uAFexfzV4OiBT2.qrvT8g/uezdcPX4UiNaX4ZQvhG",
    "$2y$05$5xXWa0Qmnkp3uAFexfzV4OiBT2.qrvT8g/uezdcPX4UiNaX4ZQvhG",
    "{DES-CRYPT}UhYtK8lCbbWd6",
    "{MD5-CRYPT}$1$8.uC2FFY$NKHMMDjlMrcBRgBfsGCdJ0",
    "{MD5}$1$Q6qfdT82$LHzdY6e9afllbmVBfOFxy1",
    "{SHA256-CRYPT}$5$.oGpc7Tx58KwXhVC$H7cp.6D22sWJKgIxRppClNyOnyb8moFRFe9lR2XtS8/",
    "{SHA512-CRYPT}$6$BFLt5kntMDHlNw.E$RXwyiqtxresOr0.xOF99t6.f1UX./QQGsC4G8vkzS1okDiCON5TojoSbEcwBtU8QFclaESGyCbB9IWPjIaqyV.",
    "{BLF-CRYPT}$2y$05$jQbqjrEV/RBZ18/.PMRrted8JPAbxp6zufP/e71qA4arCrLFvDgia",
    "{SHA}yMC2CB3q9sRauh7QXuNt3A1zy6E=",
    "{SHA1}yMC2CB3q9sRauh7QXuNt3A1zy6E=",
    "{SSHA}qd+7Q1dbfCLqL2HNypdhmxgkvcjGhYNL",
    "{SSHA.HEX}99e1b3e16d7637fcf2719c6387cb0bb5b1cb54cc113dd1b7",
    "{SHA256}PSD55M3jZrDbRxumW4f0wFT3LeitbZUKUrgFA938hfo=",
    "{SHA256.HEX}3d20f9e4cde366b0db471ba65b87f4c054f72de8ad6d950a52b80503ddfc85fa",
    "{SHA256}3d20f9e4cde366b0db471ba65b87f4c054f72de8ad6d950a52b80503ddfc85fa",
    "{SSHA256}o9IViyggo0jx1J4boCEfLjWKW6uG5sp/2npR7/+SJDlQENEm",
    "{SHA512}MpCJm8U5oDnDHffp9KYVG/4ejx6Fn9liX/AFzRrEMzCoimZmSzULmbs8TlzFOS0V6mx/8KU1+z+ndKJXACsE9w==",
    "{SSHA512}oA74Xot57FgXTtCI4t7bz3PU/kHKkz+QPcVcXlZ2NdbrX2xm2L5RLbElKfTZcHyKprzCkDnjqpQT9M3DHb8+FN/tPK8=",
    "{SMD5}KI5cDb2X7BfOKISuAU0VUaYYNjk=",
    "{PLAIN-MD5}2b5aec5586a4fd60d2531e06ce652efd",
    "{PLAIN-MD5.B64}K1rsVYak/WDSUx4GzmUu/Q==",
    "{PLAIN-MD5}2B5AEC5586A4FD60D2531E06CE652EFD",
    "{LDAP-MD5}K1rsVYak/WDSUx4GzmUu/Q==",
    "{LDAP-MD5.HEX}2b5aec5586a4fd60d2531e06ce652efd",
    "{PBKDF2}$1$0J3Q6aSaOowad4Bu$5000$a2ae8c484e67bac84a88d4f2eeff120a7015dce4",
    "{PBKDF2.HEX}2431244e6a444f3573352e6f3342735046462f24353030302431326666613563336531303938373264646531323763363562653463366334326466646566653539",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$DsheggeYxXZ/zESFqQt0ew$hS7idJ34sLRo3T1jNn7a4EZKDWxYJ/MZEJ+47omhHVY",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$47ZfBLFAe0oFXEFwqiahiw$kwCjYpmbf/uSN5wvuZGQI0snV4wli9Pi4nXdPUAJE5Y",
    "{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200a2",
    "{CRAM-MD5.B64}4PxUAgCRq/zcRFQulP6DLYOoa4iprxXKP/zf+wtyAKI=",
    "{SCRAM-SHA-1}4096,dzIOL6/0n9dOkgg1ms4gqA==,CaJzTXaC5gl0WZNblmQnvNQoq2c=,pCNwLzfryMwPWVk6LObII5cs5rw=",
    "{SCRAM-SHA-1.B64}NDA5NixFOFVjdVU0bWRVU2VPMFdkc05UYjRRPT0sUVNheWt6WHJ3YjIvY0hFU1VkYXJ2QTZ0c21RPSxmeGkzK2VUZmVGbHg0WlgxYU5iVzNJaFNBV009",
    "{SCRAM-SHA-256}4096,1O74w1e1Zy0/nM/7Gw+U7g==,bGPfaTohsEYwG14MRhwCQqmoER0o0uO3TYEbvDHCQ+w=,zYUkRpt3txKDQyPp1NErw3hGtZJuhy4vCt6OgkvNDnw=",
    "{SHA512-CRYPT.B64}JDYkazZ5bDZicDNCV05SUllMMSRlLlBGQUx4SlRobnduR2VrU3guLzlZZVlBa1poZTg4SkVQNS93aHc4ZlphMGxyYTN2MVNGVTFxY2N1R3ROZnNkaHFlQ2syNUl0eWk1bzVTeWZsOXVIMQ==",
};
#define TEXTS (sizeof texts / sizeof *texts)

static char why[HASH_WHY_MOST];

static enum hash_result
verify(const char *password, const char *stored)
{
	why[0] = '\0';
	return hash_verify(password, slice_of(stored), &all, why);
}

static void
right_and_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		if (verify(PASSWORD, texts[i]) != HASH_RIGHT)
			fail_msg("not right: %s %s", texts[i], why);
		if (verify("secret words", texts[i]) != HASH_WRONG || verify("", texts[i]) != HASH_WRONG)
			fail_msg("not wrong: %s %s", texts[i], why);
	}
}

static bool
is_cheap(const char *text)
{
	return strstr(text, "argon2") == NULL && strstr(text, "CRYPT.B64") == NULL;
}

/* No cut text opens anything; and one that misses a part that it must have is called so. */
static void
cut_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		char copy[512];
		size_t len = strlen(texts[i]);
		memcpy(copy, texts[i], len + 1);
		for (size_t cut = len - 1; cut > 0; cut -= is_cheap(texts[i]) ? 1 : 7) {
			copy[cut] = '\0';
			if (verify(PASSWORD, copy) == HASH_RIGHT)
				fail_msg("right: %s", copy);
			if (cut < 7)
				break;
		}
	}
}

static void
a_column_that_is_too_short_is_told(void **state)
{
	(void)state;
	static const char *const cut[] = {
	    "{DES-CRYPT}UhYtK8lCbbWd",
	    "$1$8.uC2FFY$NKHMMDjlMrcBRgBfsGCdJ",
	    "$6$BFLt5kntMDHlNw.E$RXwyiqtxresOr0.xOF99t6.f1UX./QQGsC4G8vkzS1okDiCON5TojoSbEcwBtU8QFclaESGyCbB9IWPjIaq",
	    "$6$BFLt5kntMDHlNw.E$RXwyiqtxresOr0.xOF99",
	    "$5$.oGpc7Tx58KwXhVC$H7cp.6D22sWJKgIxRppClNyOnyb8moFRFe9",
	    "$2y$05$5xXWa0Qmnkp3uAFexfzV4OiBT2.qrvT8g/uezdcPX4UiNaX4ZQvh",
	    "{SHA256}PSD55M3jZrDbRxumW4f0wFT3LeitbZUKUrgFA938",
	    "{PLAIN-MD5}2b5aec5586a4fd60d2531e06ce652e",
	    "{SSHA512}oA74Xot57FgXTtCI4t7bz3PU/kHKkz+QPcVcXlZ2NdbrX2xm2L5RLbEl",
	    "{PBKDF2}$1$0J3Q6aSaOowad4Bu$5000$a2ae8c484e67bac84a88d4f2ee",
	    "{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200",
	    "{SCRAM-SHA-1}4096,dzIOL6/0n9dOkgg1ms4gqA==,CaJzTXaC5gl0WZNblmQnvNQoq2c=",
	};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		assert_int_equal(verify(PASSWORD, cut[i]), HASH_UNUSABLE);
		if (strcmp(why, "the password column is too short for its hash") != 0)
			fail_msg("%s: %s", cut[i], why);
	}
}

/* A bit of the hash itself, in base64, hexadecimal or crypt(3)'s letters. */
static void
one_bit_makes_it_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		char copy[512];
		size_t len = strlen(texts[i]), from = strcspn(texts[i], "}") < len ? strcspn(texts[i], "}") + 1 : 0;
		for (size_t at = is_cheap(texts[i]) ? from : len - 8; at < len; at++) {
			memcpy(copy, texts[i], len + 1);
			copy[at] ^= 1;
			/* Bits of bcrypt's mark and salt that do not count; SCRAM's server key proves nothing of the client. */
			if (verify(PASSWORD, copy) == HASH_RIGHT && strstr(copy, "$2") == NULL && strstr(copy, "SCRAM") == NULL)
				fail_msg("right: %s", copy);
		}
	}
}

static void
other_forms_of_crypt(void **state)
{
	(void)state;
	/* Made by libxcrypt, as crypt(5) has them. */
	static const char *const made[] = {"$y$j9T$salt$dW/ZQzS5Sjx6o2X5peDjRBUCSuAlRR0HUcaKQ6.Z0TA",
	    "$gy$j9T$salt$0JF6PFUa6z8HsmxZ/x3SE.3z41s5FfekYS82q3ujHZD", "$7$C6..../....salt$.LP3EuMMnkYfh/q..jUtCsmNMVLmgicc04ypAAHLk6/",
	    "$md5$salt$pJ7ryhFHF9BkZezPh1ogm0", "$3$$8cc19b6a8cfeac299c2871c86b38de28", "_J9..rasm6f5ycSbUcd6", "abzlUXK5ed5rs",
	    "$1$salt$IXp9zPHZ94CMcVBXaZFPN/"};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		if (verify("pw", made[i]) != HASH_RIGHT)
			fail_msg("not right: %s: %s", made[i], why);
		assert_int_equal(verify("pW", made[i]), HASH_WRONG);
	}
}

static void
no_password_opens_a_locked_account(void **state)
{
	(void)state;
	static const char *const locked[] = {"", "!", "*", "!!", "{CRYPT}*0", "{SHA512-CRYPT}!$6$salt$hash", "{CRYPT}", "{PLAIN}",
	    "{SSHA}!", "{SCRAM-SHA-256}*", "{PLAIN.b64}", "{ARGON2ID}"};
	for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
		assert_int_equal(verify("", locked[i]), HASH_WRONG);
		assert_int_equal(verify("*0", locked[i]), HASH_WRONG);
		assert_int_equal(verify(PASSWORD, locked[i]), HASH_WRONG);
	}
	assert_int_equal(verify("!x", "{PLAIN}!x"), HASH_RIGHT);
	assert_int_equal(verify("ab", "{PLAIN}abab"), HASH_WRONG);
	assert_int_equal(verify("abab", "{PLAIN}ab"), HASH_WRONG);
}

static void
what_is_no_hash_is_unusable(void **state)
{
	(void)state;
	static const char *const wrong[] = {"{NTLM}x", "{CRYPT", "clear text", "{}x", "{SSHA.rot13}x", "{.b64}x", "{PLAIN.}x", "$", "$9$x$y",
	    "{SHA256}????????????????????????????????????????????", "{SHA256.hex}zz20f9e4cde366b0db471ba65b87f4c054f72de8ad6d950a52b80503ddfc85fa",
	    "{PBKDF2}x$y", "{ARGON2ID}x", "{SCRAM-SHA-1}x,x,x,x", "{PLAIN.hex}abc", "{PLAIN.b64}a", "{SHA}yMC2CB3q9sRauh7QXuNt3A1zy6HhHh==",
	    "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g. and more"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (verify("x", wrong[i]) != HASH_UNUSABLE)
			fail_msg("usable: %s", wrong[i]);
		assert_true(why[0] != '\0' && strlen(why) < sizeof why);
	}
}

/* What a row may ask for is bounded: each answers at once. */
static void
no_row_asks_for_too_much(void **state)
{
	(void)state;
	static const char *const dear[] = {
	    "$6$rounds=999999999$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g.",
	    "$2y$31$5xXWa0Qmnkp3uAFexfzV4OiBT2.qrvT8g/uezdcPX4UiNaX4ZQvhG",
	    "$y$jzzzzzT$salt$dW/ZQzS5Sjx6o2X5peDjRBUCSuAlRR0HUcaKQ6.Z0TA",
	    "$7$C6..../zzzzsalt$.LP3EuMMnkYfh/q..jUtCsmNMVLmgicc04ypAAHLk6/",
	    "_0wwwrasmEbInDeR5lJ6",
	    "$sha1$4000000000$salt$gH/lZ6T3mfXG9AyaRmbUPRgT29mF", "$md5,rounds=4000000000$salt$$z7SQpQleZ5ygqNd8a6/gO0",
	    "{PBKDF2}$1$salt$4000000000$a2ae8c484e67bac84a88d4f2eeff120a7015dce4",
	    "{PBKDF2}$1$salt$0$a2ae8c484e67bac84a88d4f2eeff120a7015dce4",
	    "{ARGON2ID}$argon2id$v=19$m=4194304,t=3,p=1$47ZfBLFAe0oFXEFwqiahiw$kwCjYpmbf/uSN5wvuZGQI0snV4wli9Pi4nXdPUAJE5Y",
	    "{ARGON2ID}$argon2id$v=19$m=8,t=4294967295,p=1$47ZfBLFAe0oFXEFwqiahiw$kwCjYpmbf/uSN5wvuZGQI0snV4wli9Pi4nXdPUAJE5Y",
	    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1000$47ZfBLFAe0oFXEFwqiahiw$kwCjYpmbf/uSN5wvuZGQI0snV4wli9Pi4nXdPUAJE5Y",
	    "{SCRAM-SHA-1}4000000000,dzIOL6/0n9dOkgg1ms4gqA==,CaJzTXaC5gl0WZNblmQnvNQoq2c=,pCNwLzfryMwPWVk6LObII5cs5rw=",
	};
	for (size_t i = 0; i < sizeof dear / sizeof *dear; i++) {
		assert_int_equal(verify("x", dear[i]), HASH_UNUSABLE);
		if (strstr(why, "too m") == NULL)
			fail_msg("%s: %s", dear[i], why);
	}
}

static enum hash_result
with(const char *stored, const char *scheme, const char *weak)
{
	struct hash_rules rules = {.default_scheme = scheme, .weak = weak};
	return hash_verify(PASSWORD, slice_of(stored), &rules, why);
}

static void
the_default_scheme(void **state)
{
	(void)state;
	assert_int_equal(with(PASSWORD, "plain", ""), HASH_RIGHT);
	assert_int_equal(with("{PLAIN}" PASSWORD, "CRYPT", ""), HASH_RIGHT);
	assert_int_equal(with("{" PASSWORD, "PLAIN", ""), HASH_WRONG);
	assert_int_equal(with(PASSWORD, "CRYPT", ""), HASH_UNUSABLE);
	assert_int_equal(with(PASSWORD, NULL, ""), HASH_UNUSABLE);
	assert_non_null(strstr(why, "password_scheme"));
	assert_int_equal(with("2b5aec5586a4fd60d2531e06ce652efd", "PLAIN-MD5", "PLAIN-MD5"), HASH_RIGHT);
	assert_int_equal(with("99e1b3e16d7637fcf2719c6387cb0bb5b1cb54cc113dd1b7", "SSHA.hex", "SSHA"), HASH_RIGHT);
	assert_int_equal(with("x", "NONE", ""), HASH_UNUSABLE);
	struct hash_rules good = {.default_scheme = "ssha.b64", .weak = "MD5-CRYPT  sha1"}, bad = {.default_scheme = "SSHB"},
	    worse = {.weak = "MD5-CRYPT XYZ"};
	assert_true(hash_rules_ok(&good, why));
	assert_false(hash_rules_ok(&bad, why));
	assert_false(hash_rules_ok(&worse, why));
	assert_non_null(strstr(why, "XYZ"));
}

static void
weak_ones_are_refused_unless_allowed(void **state)
{
	(void)state;
	static const struct {
		const char *stored, *name;
	} weak[] = {{"{DES-CRYPT}UhYtK8lCbbWd6", "DES-CRYPT"}, {"UhYtK8lCbbWd6", "des-crypt"},
	    {"$1$8.uC2FFY$NKHMMDjlMrcBRgBfsGCdJ0", "MD5-CRYPT"}, {"{CRYPT}$1$8.uC2FFY$NKHMMDjlMrcBRgBfsGCdJ0", "MD5"},
	    {"{SHA}yMC2CB3q9sRauh7QXuNt3A1zy6E=", "SHA1"}, {"{SHA1}yMC2CB3q9sRauh7QXuNt3A1zy6E=", "SHA"},
	    {"{SSHA}qd+7Q1dbfCLqL2HNypdhmxgkvcjGhYNL", "SSHA"}, {"{SMD5}KI5cDb2X7BfOKISuAU0VUaYYNjk=", "SMD5"},
	    {"{SHA256}PSD55M3jZrDbRxumW4f0wFT3LeitbZUKUrgFA938hfo=", "SHA256"}, {"{PLAIN-MD5}2b5aec5586a4fd60d2531e06ce652efd", "PLAIN-MD5"},
	    {"{LDAP-MD5}K1rsVYak/WDSUx4GzmUu/Q==", "LDAP-MD5"},
	    {"{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200a2", "CRAM-MD5"}};
	for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
		assert_int_equal(with(weak[i].stored, "", "NT"), HASH_UNUSABLE);
		assert_non_null(strstr(why, "weak_schemes"));
		assert_int_equal(with(weak[i].stored, "", NULL), HASH_UNUSABLE);
		char names[64];
		snprintf(names, sizeof names, "NT %s", weak[i].name);
		assert_int_equal(with(weak[i].stored, "", names), HASH_RIGHT);
	}
	assert_int_equal(with("{SSHA256}o9IViyggo0jx1J4boCEfLjWKW6uG5sp/2npR7/+SJDlQENEm", "", ""), HASH_RIGHT);
}

static void
new_texts(void **state)
{
	(void)state;
	struct slice names = slice_of(HASH_MADE), name;
	while (slice_split(&names, ' ', &name)) {
		char scheme[32];
		snprintf(scheme, sizeof scheme, "%.*s", (int)name.len, name.data);
		char *made = hash_make(scheme, PASSWORD);
		assert_non_null(made);
		assert_int_equal(with(made, "", ""), HASH_RIGHT);
		assert_true(strchr(made, ' ') == NULL && strchr(made, '\n') == NULL);
		assert_int_equal(verify("other", made), HASH_WRONG);
		free(made);
	}
	assert_null(hash_make("PLAIN-MD5", "x"));
	assert_null(hash_make("nonsense", "x"));
	char long_one[600];
	memset(long_one, 'x', sizeof long_one - 1);
	long_one[sizeof long_one - 1] = '\0';
	assert_null(hash_make("YESCRYPT", long_one));
	long_one[73] = '\0';
	assert_null(hash_make("BLF-CRYPT", long_one));
}

static void
classes(void **state)
{
	(void)state;
	static const struct {
		const char *stored, *class;
		bool costly;
	} rows[] = {{"{PLAIN}x", "clear", false}, {"{CLEARTEXT.hex}78", "clear", false}, {"$6$x", "hashed", true}, {"{SSHA256}o9IViyggo0jx1J4boCEfLjWKW6uG5sp/2npR7/+SJDlQENEm", "hashed", false},
	    {"{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200a2", "cram-md5", false}, {"!", "", false},
	    {"{SCRAM-SHA-1}x", "scram-sha-1", true}, {"{SCRAM-SHA-256}x", "scram-sha-256", true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct hash h;
		assert_true(hash_open(&h, slice_of(rows[i].stored), &all, why));
		assert_string_equal(hash_class(&h), rows[i].class);
		assert_int_equal(hash_is_costly(&h), rows[i].costly);
		hash_close(&h);
	}
}

/* --- what mechanisms take of them -------------------------------------------------------------- */

/* RFC 5802 section 5, RFC 7677 section 3: password "pencil". StoredKey and ServerKey were worked out with Python's hashlib. */
static void
scram_keys(void **state)
{
	(void)state;
	assert_int_equal(verify("pencil", "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="), HASH_RIGHT);
	assert_int_equal(verify("pencil", "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="), HASH_RIGHT);
}

/* RFC 2195 section 2. */
static void
cram_example(void **state)
{
	(void)state;
	char secret[CRAM_SECRET], answer[2 * CRAM_DIGEST + 1];
	cram_secret_of(slice_of("tanstaaftanstaaf"), secret);
	cram_answer(secret, slice_of("<1896.697170952@postoffice.reston.mci.net>"), answer);
	assert_string_equal(answer, "b913a602c7eda7a495b4e6e7334d3890");
}

static void
memory_tags(void **state)
{
	(void)state;
	struct hash_key k, other;
	assert_true(hash_key_begin(&k) && hash_key_begin(&other));
	char a[HASH_TAG_TEXT + 1], b[HASH_TAG_TEXT + 1];
	hash_key_memory(&k, slice_of("ab"), slice_of("c"), slice_of("d"), a);
	assert_int_equal(strlen(a), HASH_TAG_TEXT);
	hash_key_memory(&k, slice_of("ab"), slice_of("c"), slice_of("d"), b);
	assert_string_equal(a, b);
	hash_key_memory(&k, slice_of("a"), slice_of("bc"), slice_of("d"), b);
	assert_string_not_equal(a, b);
	hash_key_memory(&k, slice_of("ab"), slice_of("cd"), slice_of(""), b);
	assert_string_not_equal(a, b);
	hash_key_memory(&other, slice_of("ab"), slice_of("c"), slice_of("d"), b);
	assert_string_not_equal(a, b);
	hash_key_wipe(&k);
	for (size_t i = 0; i < HASH_KEY_BYTES; i++)
		assert_int_equal(k.bytes[i], 0);
}

static void
mechanism_table(void **state)
{
	(void)state;
	assert_null(mechanism_find(slice_of("NTLM")));
	assert_null(mechanism_find(slice_of("")));
	assert_ptr_equal(mechanism_find(slice_of("scram-sha-256-plus")), mechanism_at(1));
	assert_true(mechanism_takes(mechanism_find(slice_of("SCRAM-SHA-1")), "clear"));
	assert_true(mechanism_takes(mechanism_find(slice_of("SCRAM-SHA-1")), "scram-sha-1"));
	assert_false(mechanism_takes(mechanism_find(slice_of("SCRAM-SHA-1")), "scram-sha-256"));
	assert_false(mechanism_takes(mechanism_find(slice_of("CRAM-MD5")), "hashed"));
	assert_false(mechanism_takes(mechanism_find(slice_of("DIGEST-MD5")), ""));
	assert_true(mechanism_takes(mechanism_find(slice_of("PLAIN")), "hashed"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(right_and_wrong),
	    cmocka_unit_test(cut_at_every_length),
	    cmocka_unit_test(a_column_that_is_too_short_is_told),
	    cmocka_unit_test(one_bit_makes_it_wrong),
	    cmocka_unit_test(other_forms_of_crypt),
	    cmocka_unit_test(no_password_opens_a_locked_account),
	    cmocka_unit_test(what_is_no_hash_is_unusable),
	    cmocka_unit_test(no_row_asks_for_too_much),
	    cmocka_unit_test(the_default_scheme),
	    cmocka_unit_test(weak_ones_are_refused_unless_allowed),
	    cmocka_unit_test(new_texts),
	    cmocka_unit_test(classes),
	    cmocka_unit_test(scram_keys),
	    cmocka_unit_test(cram_example),
	    cmocka_unit_test(memory_tags),
	    cmocka_unit_test(mechanism_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
