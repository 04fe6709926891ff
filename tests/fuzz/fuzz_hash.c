/* A stored text and a password, the first line and the rest; the text without NUL, as a table's value is. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts that take their time, as they may, would be all that the fuzzer finds. */
static bool
is_dear(const struct hash *h)
{
	const char *text = str_text(&h->text);
	static const char *const marks[] = {"_", "$2", "$y", "$gy", "$7", "$argon2", "$sha1", "$md5"};
	bool dear = strstr(text, "rounds=") != NULL;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		dear = dear || strncmp(text, marks[i], strlen(marks[i])) == 0;
	return dear && hash_is_costly(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schemes[] = {"CRYPT", "PLAIN", "SSHA", "SCRAM-SHA-256", "PBKDF2", "ARGON2ID"};
	struct slice input = slice_make((const char *)data, size), stored;
	char why[HASH_WHY_MOST] = "";
	if (size < 2 || slice_has(input, '\0'))
		return 0;
	struct hash_rules rules = {.default_scheme = schemes[data[0] % 6],
	    .weak = "DES-CRYPT MD5-CRYPT NT PLAIN-MD5 LDAP-MD5 SMD5 SHA CRAM-MD5"};
	input = slice_from(input, 1);
	slice_split(&input, '\n', &stored);
	char *password = strndup(input.data, input.len);
	struct hash h;
	if (hash_open(&h, stored, &rules, why)) {
		enum hash_result r = is_dear(&h) ? HASH_WRONG : hash_check(&h, password, why);
		assert(r != HASH_UNUSABLE || why[0] != '\0');
		assert(!h.locked || r == HASH_WRONG);
		assert(h.text.len <= HASH_TEXT_MOST && hash_class(&h) != NULL);
	} else {
		assert(why[0] != '\0' && strlen(why) < sizeof why);
	}
	hash_close(&h);
	free(password);
	return 0;
}
