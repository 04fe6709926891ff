/*
 * What an outgoing session asks of the other host's certificate, and in words
 * why it is not content. OpenSSL never ends the handshake for a certificate's
 * sake: what is wrong is found out after it, before a byte is passed on.
 */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"
#include "lib/base/str.h"
#include "tlsd/outgoing.h"

#define NAME_MOST      255
#define TLSA_DATA_MOST 8192

/* Opportunistic TLS protects from those who only listen: an old cipher is better than none (RFC 7435). */
static const struct {
	int         version, level;
	const char *ciphers;
} strength[] = {
    [OUTGOING_MAY] = {TLS1_VERSION, 0, "DEFAULT:@SECLEVEL=0"},
    [OUTGOING_ENCRYPT] = {TLS1_2_VERSION, 0, "DEFAULT:@SECLEVEL=0"},
    [OUTGOING_VERIFY] = {TLS1_2_VERSION, 2, "DEFAULT:@SECLEVEL=2"},
    [OUTGOING_DANE] = {TLS1_2_VERSION, 2, "DEFAULT:@SECLEVEL=2"},
};

/* The certificate that verification stopped at; a process has one session. */
static X509 *blamed;
static size_t usable_tlsa;

static int
note_fault(int ok, X509_STORE_CTX *chain)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(chain);
	if (!ok && blamed == NULL && certificate != NULL && X509_up_ref(certificate) == 1)
		blamed = certificate;
	return ok;
}

/* --- before the handshake ------------------------------------------------------------------ */

static bool
is_address(const char *name)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool
add_name(SSL *ssl, const char *name, bool first)
{
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	if (first && name[0] != '.' && SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	return SSL_add1_host(ssl, name) == 1;
}

static const char *
add_names(SSL *ssl, const char *names)
{
	struct slice rest = slice_of(names), part;
	char name[NAME_MOST + 1];
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (bool first = true; slice_split(&rest, ',', &part); first = false) {
		if (part.len == 0 || part.len > NAME_MOST)
			return "a name is none";
		memcpy(name, part.data, part.len);
		name[part.len] = '\0';
		if (!add_name(ssl, name, first))
			return "a name is none";
	}
	return NULL;
}

/* False: not hexadecimal, or too long. */
static bool
read_hex(struct slice text, unsigned char *bytes, size_t *len)
{
	*len = text.len / 2;
	if (text.len % 2 != 0 || *len == 0 || *len > TLSA_DATA_MOST)
		return false;
	for (size_t i = 0; i < *len; i++) {
		int high = ascii_hex((unsigned char)text.data[2 * i]), low = ascii_hex((unsigned char)text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* False: there is no memory, or it is not the protocol. A record that cannot be used is no fault. */
static bool
add_tlsa(SSL *ssl, const char *record)
{
	static unsigned char data[TLSA_DATA_MOST];
	struct cursor c = cursor_over(slice_of(record));
	uint64_t number[3];
	for (size_t i = 0; i < 3; i++)
		if (!cursor_take_number(&c, 255, &number[i]) || !cursor_take(&c, ' '))
			return false;
	size_t len;
	if (!read_hex(c.rest, data, &len))
		return false;
	/* RFC 7672 section 3.1.3: those that lean on public CAs are not for SMTP. */
	if (number[0] != 2 && number[0] != 3)
		return true;
	int added = SSL_dane_tlsa_add(ssl, (uint8_t)number[0], (uint8_t)number[1], (uint8_t)number[2], data, len);
	ERR_clear_error();
	usable_tlsa += added > 0;
	return true;
}

static const char *
add_records(SSL *ssl, const struct outgoing *o)
{
	char base[NAME_MOST + 1];
	snprintf(base, sizeof base, "%.*s", (int)strcspn(o->names, ","), o->names);
	if (SSL_dane_enable(ssl, base) <= 0)
		return "the TLSA base domain is none";
	/* RFC 7672 section 3.1.1: usage 3 needs neither name nor date. */
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < o->tlsa_count; i++)
		if (!add_tlsa(ssl, o->tlsa[i]))
			return "a TLSA record is none";
	return NULL;
}

const char *
outgoing_expect(SSL *ssl, const struct outgoing *o)
{
	SSL_set_verify(ssl, SSL_VERIFY_NONE, note_fault);
	SSL_set_security_level(ssl, strength[o->policy].level);
	if (SSL_set_min_proto_version(ssl, strength[o->policy].version) != 1 ||
	    SSL_set_cipher_list(ssl, strength[o->policy].ciphers) != 1)
		return "no memory";
	const char *why = o->policy == OUTGOING_DANE ? add_records(ssl, o) : NULL;
	return why != NULL ? why : add_names(ssl, o->names);
}

/* --- after it ------------------------------------------------------------------------------- */

/* Printable ASCII, whatever the certificate holds. */
static void
add_text(struct str *into, const ASN1_STRING *text)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(text);
	for (int i = 0; i < ASN1_STRING_length(text) && i < NAME_MOST; i++)
		str_append_byte(into, bytes[i] > ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?');
}

static void
add_common_name(struct str *into, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	if (at >= 0)
		add_text(into, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	else
		str_append_text(into, "nobody");
}

/* "a.test, b.test and 3 more" */
static void
add_names_of(struct str *into, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int told = 0, more = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		if (one->type != GEN_DNS)
			continue;
		if (told == 3) {
			more++;
			continue;
		}
		str_append_text(into, told++ > 0 ? ", " : "");
		add_text(into, one->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	if (told == 0)
		add_common_name(into, X509_get_subject_name(certificate));
	if (more > 0)
		str_append_format(into, " and %d more", more);
}

/* "2026-11-25" */
static void
add_date(struct str *into, const ASN1_TIME *time)
{
	struct tm t;
	if (time != NULL && ASN1_TIME_to_tm(time, &t) == 1)
		str_append_format(into, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
	else
		str_append_text(into, "a date that is none");
}

static const char *
whose(X509 *leaf)
{
	return blamed == NULL || X509_cmp(blamed, leaf) == 0 ? "the certificate" : "a certificate above it";
}

static void
describe(struct str *into, long fault, X509 *leaf, const char *names)
{
	X509 *at = blamed != NULL ? blamed : leaf;
	switch (fault) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		str_append_text(into, "the certificate is for ");
		add_names_of(into, leaf);
		str_append_format(into, ", not %s", names);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		str_append_format(into, "%s expired on ", whose(leaf));
		add_date(into, X509_get0_notAfter(at));
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		str_append_format(into, "%s is not valid before ", whose(leaf));
		add_date(into, X509_get0_notBefore(at));
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		str_append_text(into, "the certificate is self-signed");
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		str_append_text(into, "the certificate is signed by ");
		add_common_name(into, X509_get_issuer_name(at));
		str_append_text(into, ", which we do not trust");
		return;
	case X509_V_ERR_DANE_NO_MATCH:
		str_append_text(into, "no TLSA record matches the certificate");
		return;
	default:
		str_append_text(into, X509_verify_cert_error_string(fault));
	}
}

static bool
is_about_trust(long fault)
{
	return fault == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || fault == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	    fault == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || fault == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    fault == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || fault == X509_V_ERR_CERT_UNTRUSTED;
}

static void
set_note(struct outgoing_verdict *v, long fault, X509 *leaf, const struct outgoing *o)
{
	struct str note = STR_MOST(4 * OUTGOING_NOTE_MOST);
	if (leaf == NULL)
		str_append_text(&note, "it shows no certificate");
	else if (o->policy == OUTGOING_DANE && usable_tlsa == 0)
		str_append_text(&note, "no TLSA record can be used");
	else if (fault != X509_V_OK)
		describe(&note, o->policy == OUTGOING_DANE && is_about_trust(fault) ? X509_V_ERR_DANE_NO_MATCH : fault, leaf, o->names);
	snprintf(v->note, sizeof v->note, "%s", str_text(&note));
	str_free(&note);
}

void
outgoing_judge(SSL *ssl, const struct outgoing *o, struct outgoing_verdict *v)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	long fault = SSL_get_verify_result(ssl);
	bool good = leaf != NULL && fault == X509_V_OK;
	bool dane = o->policy == OUTGOING_DANE && usable_tlsa > 0;
	/* Records that cannot be used ask for TLS and no more: RFC 7672 section 2.2. */
	bool wanted = o->policy == OUTGOING_VERIFY || dane;
	if (dane && good && SSL_get0_dane_authority(ssl, NULL, NULL) < 0) {
		good = false;
		fault = X509_V_ERR_DANE_NO_MATCH;
	}
	v->ok = good || !wanted;
	v->how = !good || (o->policy == OUTGOING_DANE && !dane) ? "unverified" : dane ? "dane" : "verified";
	set_note(v, fault, leaf, o);
}
