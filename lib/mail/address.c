#include "lib/mail/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/mail/address_text.h"

/* Two bytes of the path are its angle brackets. */
#define TEXT_MOST (ADDRESS_PATH_MOST - 2)

const char *
address_problem(enum address_result r)
{
	switch (r) {
	case ADDRESS_OK:
		return "nothing";
	case ADDRESS_LOCAL_LONG:
		return "the local part is longer than 64 octets";
	case ADDRESS_DOMAIN_LONG:
		return "the domain is longer than 255 octets";
	case ADDRESS_PATH_LONG:
		return "the address is longer than 256 octets";
	case ADDRESS_NOT_ASCII:
		return "the address is not ASCII";
	case ADDRESS_WRONG:
		break;
	}
	return "this is not an address";
}

static bool
is_domain_byte(int c)
{
	return ascii_is_alnum(c) || c >= 0x80 || c == '-' || c == '_' || c == '.';
}

static bool
is_literal_byte(int c)
{
	return ascii_is_alnum(c) || c == ':' || c == '.' || c == '-';
}

static enum address_result
put_local(struct address *a, struct slice part)
{
	if (part.len > TEXT_MOST - a->local_len)
		return ADDRESS_PATH_LONG;
	memcpy(a->local + a->local_len, part.data, part.len);
	a->local_len += part.len;
	a->local[a->local_len] = '\0';
	return ADDRESS_OK;
}

/* Behind the opening quote. RFC 5321 Quoted-string: printable ASCII, and UTF-8 by RFC 6531. */
static enum address_result
take_quoted(struct cursor *c, struct address *a)
{
	for (;;) {
		int byte = cursor_next(c);
		if (byte == '"')
			return ADDRESS_OK;
		if (byte == '\\')
			byte = cursor_next(c);
		if (byte < ' ' || byte == 0x7f)
			return ADDRESS_WRONG;
		char one = (char)byte;
		enum address_result r = put_local(a, slice_make(&one, 1));
		if (r != ADDRESS_OK)
			return r;
	}
}

static enum address_result
take_local(struct cursor *c, unsigned flags, struct address *a)
{
	if (cursor_take(c, '"'))
		return take_quoted(c, a);
	struct slice text = cursor_take_while(c, address_is_local_byte);
	if (text.len == 0)
		return ADDRESS_WRONG;
	/* Some old networks gave out "a..b" and "a."; what is meant is clear, the canonical form quotes it. */
	if (!address_has_right_dots(text) && !(flags & ADDRESS_LOOSE))
		return ADDRESS_WRONG;
	return put_local(a, text);
}

/* The longest run that may be a domain or literal; address_is_domain() judges it. */
static struct slice
take_domain_text(struct cursor *c)
{
	struct slice all = c->rest;
	if (!cursor_take(c, '['))
		return cursor_take_while(c, is_domain_byte);
	cursor_take_while(c, is_literal_byte);
	cursor_take(c, ']');
	return slice_first(all, all.len - c->rest.len);
}

/* One IPv6 address has many spellings; the canonical form has one. */
static void
normalise_literal(struct address *a)
{
	struct in6_addr ip;
	char text[INET6_ADDRSTRLEN];
	struct slice domain = address_domain(a);
	if (!slice_starts(domain, "[ipv6:"))
		return;
	a->domain[a->domain_len - 1] = '\0';
	bool ok = inet_pton(AF_INET6, a->domain + 6, &ip) == 1 && inet_ntop(AF_INET6, &ip, text, sizeof text) != NULL;
	a->domain[a->domain_len - 1] = ']';
	if (!ok)
		return;
	size_t len = strlen(text);
	memcpy(a->domain + 6, text, len);
	memcpy(a->domain + 6 + len, "]", 2);
	a->domain_len = 6 + len + 1;
}

static enum address_result
take_domain(struct cursor *c, struct address *a)
{
	struct slice text = take_domain_text(c);
	if (text.len > ADDRESS_DOMAIN_MOST)
		return ADDRESS_DOMAIN_LONG;
	if (!address_is_domain(text, ADDRESS_UTF8))
		return ADDRESS_WRONG;
	for (size_t i = 0; i < text.len; i++)
		a->domain[i] = (char)ascii_lower((unsigned char)text.data[i]);
	a->domain[text.len] = '\0';
	a->domain_len = text.len;
	normalise_literal(a);
	return ADDRESS_OK;
}

/* U+0080 to U+009F are controls as well. */
static bool
has_control(struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if ((unsigned char)s.data[i] == 0xc2 && (unsigned char)s.data[i + 1] < 0xa0)
			return true;
	return false;
}

/* Limits, character set and canonical form of what was taken. */
static enum address_result
finish(struct address *a, unsigned flags)
{
	struct slice local = address_local(a), domain = address_domain(a);
	if (!address_is_ascii(local) || !address_is_ascii(domain)) {
		if (!address_is_utf8(local) || !address_is_utf8(domain) || has_control(local) || has_control(domain))
			return ADDRESS_WRONG;
		if (!(flags & ADDRESS_UTF8))
			return ADDRESS_NOT_ASCII;
	}
	size_t printed = address_printed_length(local);
	if (printed + (domain.len > 0) + domain.len > TEXT_MOST)
		return ADDRESS_PATH_LONG;
	address_write_text(a);
	return printed > ADDRESS_LOCAL_MOST ? ADDRESS_LOCAL_LONG : ADDRESS_OK;
}

static bool
may_lack_domain(const struct address *a, unsigned flags)
{
	if (flags & ADDRESS_NO_DOMAIN)
		return a->local_len > 0;
	return (flags & ADDRESS_POSTMASTER) && slice_is_nocase(address_local(a), "postmaster");
}

static enum address_result
take_mailbox(struct cursor *c, unsigned flags, struct address *a)
{
	enum address_result r = take_local(c, flags, a);
	if (r != ADDRESS_OK)
		return r;
	if (cursor_take(c, '@'))
		r = take_domain(c, a);
	else if (!may_lack_domain(a, flags))
		r = ADDRESS_WRONG;
	return r == ADDRESS_OK ? finish(a, flags) : r;
}

static bool
is_filled(enum address_result r)
{
	return r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG;
}

static void
forget(struct address *a)
{
	a->local_len = a->domain_len = a->text_len = 0;
	a->local[0] = a->domain[0] = a->text[0] = '\0';
}

/* "@a,@b:" is read and dropped (RFC 5321 appendix C). */
static bool
skip_route(struct cursor *c)
{
	if (cursor_peek(c) != '@')
		return true;
	do {
		if (!cursor_take(c, '@') || !address_is_domain(take_domain_text(c), ADDRESS_UTF8))
			return false;
	} while (cursor_take(c, ','));
	return cursor_take(c, ':');
}

static enum address_result
take_bracketed(struct cursor *c, unsigned flags, struct address *a)
{
	if (cursor_take(c, '>'))
		return flags & ADDRESS_NULL ? ADDRESS_OK : ADDRESS_WRONG;
	if (!skip_route(c))
		return ADDRESS_WRONG;
	enum address_result r = take_mailbox(c, flags, a);
	if (is_filled(r) && !cursor_take(c, '>'))
		return ADDRESS_WRONG;
	return r;
}

enum address_result
address_parse_path(struct slice text, unsigned flags, struct address *a, struct slice *rest)
{
	struct cursor c = cursor_over(text);
	enum address_result r = ADDRESS_WRONG;
	forget(a);
	*rest = slice_from(text, text.len);
	if (flags & ADDRESS_LOOSE)
		cursor_skip_spaces(&c);
	if (cursor_take(&c, '<'))
		r = take_bracketed(&c, flags, a);
	else if (flags & ADDRESS_LOOSE)
		r = take_mailbox(&c, flags, a);
	/* Parameters stand behind a space. */
	if (is_filled(r) && !cursor_at_end(&c) && cursor_peek(&c) != ' ' && cursor_peek(&c) != '\t')
		r = ADDRESS_WRONG;
	if (!is_filled(r))
		forget(a);
	else
		*rest = c.rest;
	return r;
}

enum address_result
address_parse(struct slice text, unsigned flags, struct address *a)
{
	struct cursor c = cursor_over(text);
	forget(a);
	if (text.len == 0)
		return flags & ADDRESS_NULL ? ADDRESS_OK : ADDRESS_WRONG;
	enum address_result r = take_mailbox(&c, flags, a);
	if (is_filled(r) && !cursor_at_end(&c))
		r = ADDRESS_WRONG;
	if (!is_filled(r))
		forget(a);
	return r;
}

bool
address_complete(struct address *a, const char *host)
{
	char text[ADDRESS_PATH_MOST];
	if (a->domain_len > 0)
		return true;
	int len = snprintf(text, sizeof text, "postmaster@%s", host);
	return len > 0 && (size_t)len < sizeof text && address_parse(slice_of(text), 0, a) == ADDRESS_OK;
}
