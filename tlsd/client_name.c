#include "tlsd/client_name.h"

#include <openssl/x509v3.h>

#include "lib/base/ascii.h"

static const char *
take(struct slice text, struct str *name)
{
	if (text.len == 0)
		return "its name is empty";
	if (text.len > CLIENT_NAME_MOST)
		return "its name is too long";
	if (ascii_has_control(text))
		return "its name holds a NUL or another control byte";
	return str_set(name, text) ? NULL : "no memory";
}

/* An IA5String is ASCII; OpenSSL does not look. */
static const char *
take_mail(const ASN1_IA5STRING *mail, struct str *name)
{
	struct slice text = slice_make((const char *)ASN1_STRING_get0_data(mail), (size_t)ASN1_STRING_length(mail));
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] > 0x7f)
			return "its e-mail address is not ASCII";
	return take(text, name);
}

static const GENERAL_NAME *
first_mail(const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		if (one->type == GEN_EMAIL)
			return one;
	}
	return NULL;
}

/* In UTF-8, from whatever kind of string it is in. C1 control characters come as two bytes, the first 0xc2. */
static const char *
take_common_name(const ASN1_STRING *common, struct str *name)
{
	unsigned char *text;
	int len = ASN1_STRING_to_UTF8(&text, common);
	if (len < 0)
		return "its common name is not a text";
	const char *fault = take(slice_make((const char *)text, (size_t)len), name);
	for (int i = 1; fault == NULL && i < len; i++)
		if (text[i - 1] == 0xc2 && text[i] < 0xa0)
			fault = "its name holds a control character";
	OPENSSL_free(text);
	return fault;
}

static const char *
name_of_subject(const X509 *certificate, struct str *name)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return "it has neither an e-mail address in its subjectAltName nor a common name";
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return "it has several common names";
	return take_common_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), name);
}

const char *
client_name(const X509 *certificate, struct str *name)
{
	enum { ABSENT = -1 };
	int found;
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, NULL);
	if (names == NULL && found != ABSENT)
		return "its subjectAltName cannot be read";
	const GENERAL_NAME *mail = names != NULL ? first_mail(names) : NULL;
	const char *fault = mail != NULL ? take_mail(mail->d.rfc822Name, name) : name_of_subject(certificate, name);
	GENERAL_NAMES_free(names);
	return fault;
}
