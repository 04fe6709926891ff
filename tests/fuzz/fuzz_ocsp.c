/* sources: tlsd/response.c tlsd/when.c */
/*
 * An OCSP response of any bytes, to a certificate and its issuer that stand in the
 * input before it: LENGTH (two bytes) certificate LENGTH issuer response.
 */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "tlsd/response.h"

static X509 *
take(const uint8_t **data, size_t *size)
{
	if (*size < 2)
		return NULL;
	size_t len = (size_t)(*data)[0] << 8 | (*data)[1];
	if (len > *size - 2)
		return NULL;
	const unsigned char *at = *data + 2;
	X509 *certificate = d2i_X509(NULL, &at, (long)len);
	*data += 2 + len;
	*size -= 2 + len;
	return certificate;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t ends;
	X509 *leaf = take(&data, &size), *issuer = take(&data, &size);
	STACK_OF(X509) *above = sk_X509_new_null();
	if (issuer != NULL)
		sk_X509_push(above, issuer);
	if (leaf != NULL) {
		const char *fault = response_fault(slice_make((const char *)data, size), leaf, above, 1795000000, &ends);
		if (fault == NULL && ends <= 1795000000)
			abort();
	}
	sk_X509_pop_free(above, X509_free);
	X509_free(leaf);
	ERR_clear_error();
	return 0;
}
