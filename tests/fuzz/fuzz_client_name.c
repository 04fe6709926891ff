/* sources: tlsd/client_name.c */
/* The name in a client's certificate, of any DER: a name that is one, or a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tlsd/client_name.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check(const struct str *name)
{
	must(name->len > 0 && name->len <= CLIENT_NAME_MOST && strlen(str_text(name)) == name->len);
	for (size_t i = 0; i < name->len; i++)
		must((unsigned char)name->data[i] >= ' ' && name->data[i] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *certificate = d2i_X509(NULL, &at, (long)size);
	struct str name = STR_MOST(CLIENT_NAME_MOST);
	if (certificate != NULL && client_name(certificate, &name) == NULL)
		check(&name);
	str_free(&name);
	X509_free(certificate);
	return 0;
}
