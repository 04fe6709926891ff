#include "authd/users_file.h"

#include "authd/maildir.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct slice
users_next_field(struct slice *rest)
{
	while (rest->len > 0 && is_blank(rest->data[0]))
		*rest = slice_from(*rest, 1);
	size_t len = 0;
	while (len < rest->len && !is_blank(rest->data[len]))
		len++;
	struct slice field = slice_first(*rest, len);
	*rest = slice_from(*rest, len);
	return field;
}

/* Commas part targets in the cdb; quotes and backslashes would need RFC 5321's quoting, which a hand-written file does not get. */
static bool
has_forbidden_byte(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c <= ' ' || c == 0x7f || c == ',' || c == '"' || c == '\\' || c == '<' || c == '>')
			return true;
	}
	return false;
}

bool
users_address_ok(struct slice address, bool catch_all)
{
	struct slice local, domain;
	address_split(address, &local, &domain);
	if (domain.len == 0 || address.len > 320 || has_forbidden_byte(address) || !address_is_utf8(address))
		return false;
	/* A slash would let the default Maildir leave its domain's directory. */
	if (slice_has(domain, '/') || slice_has(local, '/') || slice_starts(domain, "."))
		return false;
	if (slice_is(local, ".") || slice_is(local, ".."))
		return false;
	return local.len > 0 ? !slice_has(local, '@') : catch_all;
}

static struct users_line
wrong(const char *problem)
{
	return (struct users_line){.kind = USERS_WRONG, .problem = problem};
}

static bool
quota_ok(struct slice quota)
{
	uint64_t number;
	struct slice bytes;
	if (!slice_split(&quota, ',', &bytes) || !number_parse_size(bytes, INT64_MAX, &number))
		return false;
	return quota.len == 0 || number_parse(quota, INT64_MAX, &number);
}

static struct slice
optional(struct slice field)
{
	return slice_is(field, "-") ? slice_of("") : field;
}

static struct users_line
parse_user(struct slice rest)
{
	struct users_line l = {.kind = USERS_USER};
	l.address = users_next_field(&rest);
	l.hash = users_next_field(&rest);
	l.maildir = optional(users_next_field(&rest));
	l.quota = optional(users_next_field(&rest));
	if (!users_address_ok(l.address, false))
		return wrong("user: the second field must be an address, name@domain");
	if (l.hash.len == 0)
		return wrong("user: the third field must be a password hash (postern-users passwd makes one)");
	if (l.maildir.len > 0 && !maildir_is_safe(l.maildir))
		return wrong("user: the maildir must be a path beneath the mail root, such as example.org/alice/");
	if (l.quota.len > 0 && !quota_ok(l.quota))
		return wrong("user: the quota must be a size such as 500M, perhaps with a number of messages: 500M,10000");
	if (users_next_field(&rest).len > 0)
		return wrong("user: too many fields (user ADDRESS HASH MAILDIR QUOTA)");
	return l;
}

static struct users_line
parse_alias(struct slice rest)
{
	struct users_line l = {.kind = USERS_ALIAS};
	l.address = users_next_field(&rest);
	l.targets = rest;
	if (!users_address_ok(l.address, true))
		return wrong("alias: the second field must be an address, name@domain or @domain");
	if (users_next_field(&rest).len == 0)
		return wrong("alias: no target (alias ADDRESS TARGET ...)");
	for (struct slice targets = l.targets, t; (t = users_next_field(&targets)).len > 0;)
		if (!users_address_ok(t, true))
			return wrong("alias: a target must be an address, name@domain");
	return l;
}

struct users_line
users_line_parse(struct slice line)
{
	struct slice rest = line;
	if (slice_has(line, '\0'))
		return wrong("the line holds a NUL byte");
	struct slice word = users_next_field(&rest);
	if (word.len == 0 || word.data[0] == '#')
		return (struct users_line){.kind = USERS_NOTHING};
	if (slice_is(word, "user"))
		return parse_user(rest);
	if (slice_is(word, "alias"))
		return parse_alias(rest);
	return wrong("a line begins with user, alias or #");
}
