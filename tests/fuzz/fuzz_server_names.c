/* sources: tlsd/names.c */
/* The host names in a server's certificate, of any DER: names that a client can ask for, with spaces between. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tlsd/names.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check(struct slice names)
{
	struct slice name;
	must(memchr(names.data, '\0', names.len) == NULL && !slice_starts(names, " ") && !slice_ends(names, " "));
	while (slice_split(&names, ' ', &name)) {
		must(name.len > 0 && name.len <= NAME_MOST && name.data[0] != '.');
		for (size_t i = 0; i < name.len; i++) {
			must(ascii_lower((unsigned char)name.data[i]) == (unsigned char)name.data[i]);
			must(name.data[i] != '*' || (i == 0 && name.data[1] == '.'));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *certificate = d2i_X509(NULL, &at, (long)size);
	struct str names = STR_MOST(NAMES_MOST);
	if (certificate != NULL && names_of(certificate, &names) && names.len > 0)
		check(str_slice(&names));
	str_free(&names);
	X509_free(certificate);
	return 0;
}
