#include "tlsd/reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* What happens every day. */
static const struct reason of_clients[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the client does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "the client speaks HTTP"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the client offers no version of TLS that we accept"},
    {SSL_R_VERSION_TOO_LOW, "the client offers no version of TLS that we accept"},
    {SSL_R_NO_SHARED_CIPHER, "the client offers no cipher that we accept"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "the client accepts no signature that our certificate can give"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the client closed the connection"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the client does not trust the issuer of our certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the client refuses our certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the client refuses our certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the client says that our certificate has expired"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the client refuses the version of TLS"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the client refuses what we offer"},
};

void
reason_prepare(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

const char *
reason_of(const struct reason *known, size_t count)
{
	unsigned long error = ERR_peek_error();
	ERR_clear_error();
	for (size_t i = 0; ERR_GET_LIB(error) == ERR_LIB_SSL && i < count; i++)
		if (ERR_GET_REASON(error) == known[i].code)
			return known[i].words;
	const char *words = error != 0 ? ERR_reason_error_string(error) : NULL;
	return words != NULL ? words : "no reason given";
}

const char *
reason_in_words(void)
{
	return reason_of(of_clients, sizeof of_clients / sizeof *of_clients);
}
