#include "tlsd/names.h"

#include <openssl/x509v3.h>

static bool
is_name_byte(int c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static bool
is_host_name(struct slice name)
{
	if (name.len == 0 || name.len > NAME_MOST)
		return false;
	struct slice rest = slice_starts(name, "*.") ? slice_from(name, 2) : name;
	for (size_t i = 0; i < rest.len; i++)
		if (!is_name_byte((unsigned char)rest.data[i]))
			return false;
	return rest.len > 0 && rest.data[0] != '.';
}

static void
add(struct str *names, const ASN1_STRING *text)
{
	struct slice name = slice_make((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
	if (!is_host_name(name))
		return;
	if (names->len > 0)
		str_append_byte(names, ' ');
	for (size_t i = 0; i < name.len; i++)
		str_append_byte(names, (char)ascii_lower((unsigned char)name.data[i]));
}

static void
add_common_name(struct str *names, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0)
		add(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

bool
names_of(X509 *certificate, struct str *names)
{
	str_clear(names);
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
		if (one->type == GEN_DNS)
			add(names, one->d.dNSName);
	}
	if (all == NULL)
		add_common_name(names, certificate);
	GENERAL_NAMES_free(all);
	return !names->failed;
}
