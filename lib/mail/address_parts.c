/* The parts of addresses: what they are and where they are cut. */
#include <arpa/inet.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/mail/address.h"
#include "lib/mail/idna.h"
#include "lib/mail/utf8.h"

#define LABEL_MOST 63

struct slice
address_local(const struct address *a)
{
	return slice_make(a->local, a->local_len);
}

struct slice
address_domain(const struct address *a)
{
	return slice_make(a->domain, a->domain_len);
}

struct slice
address_text(const struct address *a)
{
	return slice_make(a->text, a->text_len);
}

bool
address_is_null(const struct address *a)
{
	return a->text_len == 0;
}

/* How long the quoted local part at the start of `text` is, both quotes counted. */
static size_t
quoted_length(struct slice text)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '"')
			return i + 1;
		if (text.data[i] == '\\')
			i++;
	}
	return text.len;
}

void
address_split(struct slice text, struct slice *local, struct slice *domain)
{
	size_t at = slice_find_last(text, '@');
	if (text.len > 0 && text.data[0] == '"')
		at = quoted_length(text);
	*local = slice_first(text, at);
	*domain = slice_from(text, at + 1);
}

bool
address_split_extension(struct slice local, const char *delimiters, struct slice *user, struct slice *extension)
{
	*user = local;
	*extension = slice_from(local, local.len);
	if (slice_is_nocase(local, "mailer-daemon") || slice_is_nocase(local, "postmaster"))
		return false;
	for (size_t i = 1; i < local.len; i++) {
		if (local.data[i] == '\0' || strchr(delimiters, local.data[i]) == NULL)
			continue;
		*user = slice_first(local, i);
		*extension = slice_from(local, i + 1);
		return true;
	}
	return false;
}

bool
address_append_lower(struct str *into, struct slice text)
{
	size_t start = into->len;
	if (!str_append_slice(into, text))
		return false;
	for (size_t i = start; i < into->len; i++)
		into->data[i] = (char)ascii_lower((unsigned char)into->data[i]);
	return true;
}

bool
address_is_literal(struct slice domain)
{
	unsigned char ip[16];
	char text[INET6_ADDRSTRLEN];
	if (domain.len < 2 || domain.data[0] != '[' || domain.data[domain.len - 1] != ']')
		return false;
	struct slice inner = slice_make(domain.data + 1, domain.len - 2);
	bool six = slice_starts_nocase(inner, "IPv6:");
	if (six)
		inner = slice_from(inner, 5);
	if (inner.len >= sizeof text || slice_has(inner, '\0'))
		return false;
	memcpy(text, inner.data, inner.len);
	text[inner.len] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, text, ip) == 1;
}

bool
address_is_ascii(struct slice text)
{
	uint64_t word, bits = 0;
	size_t i = 0;
	/* Whole messages are asked about as well. */
	for (; text.len - i >= sizeof word; i += sizeof word) {
		memcpy(&word, text.data + i, sizeof word);
		bits |= word;
	}
	for (; i < text.len; i++)
		bits |= (unsigned char)text.data[i];
	return (bits & 0x8080808080808080u) == 0;
}

static bool
is_label_byte(int c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_';
}

/* One in UTF-8 is what DNS can be asked for; its length is that of its A-label (RFC 5890 section 2.3.2.1). */
static bool
is_wide_label(struct slice label)
{
	struct str ascii = STR_MOST(LABEL_MOST);
	bool ok = idna_label_to_ascii(label, &ascii);
	str_free(&ascii);
	return ok;
}

static bool
is_label(struct slice label)
{
	if (!address_is_ascii(label))
		return is_wide_label(label);
	if (label.len == 0 || label.len > LABEL_MOST)
		return false;
	if (label.data[0] == '-' || label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_label_byte((unsigned char)label.data[i]))
			return false;
	return true;
}

bool
address_is_domain(struct slice domain, unsigned flags)
{
	if (address_is_literal(domain))
		return true;
	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MOST || domain.data[domain.len - 1] == '.')
		return false;
	if (!address_is_ascii(domain) && (!(flags & ADDRESS_UTF8) || !address_is_utf8(domain)))
		return false;
	struct slice label;
	while (slice_split(&domain, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

bool
address_is_utf8(struct slice text)
{
	unsigned character;
	while (text.len > 0) {
		size_t len = utf8_character(text, &character);
		if (len == 0)
			return false;
		text = slice_from(text, len);
	}
	return true;
}
