#include "tlsd/response.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#include "tlsd/when.h"

#define CLOCKS_DIFFER 300 /* seconds that the responder's clock may be ahead of ours */

/* The answer about `leaf`: a response may hold several, each with a hash of its own. */
static OCSP_SINGLERESP *
find(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);
		OCSP_CERTID *asked = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one);
		ASN1_OBJECT *hash = NULL;
		OCSP_id_get0_info(NULL, &hash, NULL, NULL, asked);
		const EVP_MD *digest = EVP_get_digestbyobj(hash);
		OCSP_CERTID *ours = digest != NULL ? OCSP_cert_to_id(digest, leaf, issuer) : NULL;
		int differs = ours != NULL ? OCSP_id_cmp(ours, asked) : 1;
		OCSP_CERTID_free(ours);
		if (differs == 0)
			return one;
	}
	return NULL;
}

/* RFC 6960 section 3.2: the issuer signs, or who has its certificate from the issuer for that. */
static bool
is_signed(OCSP_BASICRESP *basic, X509 *issuer, STACK_OF(X509) *above)
{
	X509_STORE *store = X509_STORE_new();
	bool ok = store != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 && OCSP_basic_verify(basic, above, store, 0) == 1;
	X509_STORE_free(store);
	return ok;
}

static const char *
judge(OCSP_BASICRESP *basic, X509 *leaf, STACK_OF(X509) *above, int64_t now, int64_t *ends)
{
	X509 *issuer = sk_X509_value(above, 0);
	OCSP_SINGLERESP *one = find(basic, leaf, issuer);
	if (one == NULL)
		return "it is about another certificate";
	ASN1_GENERALIZEDTIME *begins, *next;
	int status = OCSP_single_get0_status(one, NULL, NULL, &begins, &next);
	*ends = when(next);
	if (*ends == 0)
		return "it does not say until when it holds (nextUpdate)";
	if (*ends <= now)
		return "it has expired";
	if (when(begins) > now + CLOCKS_DIFFER)
		return "it is not valid yet";
	if (!is_signed(basic, issuer, above))
		return "it is not signed by the issuer of the certificate";
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return "it says that the certificate is revoked";
	return status == V_OCSP_CERTSTATUS_GOOD ? NULL : "it says that the certificate is not known";
}

const char *
response_fault(struct slice der, X509 *leaf, STACK_OF(X509) *above, int64_t now, int64_t *ends)
{
	const unsigned char *at = (const unsigned char *)der.data;
	*ends = 0;
	if (sk_X509_num(above) <= 0)
		return "the chain lacks the certificate of the issuer, who signs it";
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
	const char *fault = response == NULL ? "it is not an OCSP response in DER"
	    : basic == NULL ? "the responder has refused to answer"
	                    : judge(basic, leaf, above, now, ends);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return fault;
}
