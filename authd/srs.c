#include "authd/srs.h"

#include <nettle/hmac.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/mail/address.h"

#define HASH_LETTERS 4    /* that we write, and the least that we take */
#define TIME_SLOTS   1024
#define PART_MOST    1024

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* --- secrets ----------------------------------------------------------------------- */

bool
srs_secrets_parse(struct srs_secrets *s, struct slice text, struct str *problem)
{
	*s = (struct srs_secrets){.text = STR_MOST(65536)};
	size_t number = 0;
	for (struct slice line; slice_split(&text, '\n', &line);) {
		number++;
		line = slice_trim(slice_ends(line, "\r") ? slice_first(line, line.len - 1) : line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (s->count == SRS_SECRETS_MOST || line.len < 8) {
			str_append_format(problem, "line %zu: a secret has at least 8 characters, and there are at most %d", number, SRS_SECRETS_MOST);
			return false;
		}
		s->lines[s->count].at = s->text.len;
		s->lines[s->count++].len = line.len;
		str_append_slice(&s->text, line);
	}
	if (s->count == 0 || s->text.failed)
		str_append_text(problem, "there is no secret in it: a line of random letters");
	return s->count > 0 && !s->text.failed;
}

void
srs_secrets_wipe(struct srs_secrets *s)
{
	if (s->text.data != NULL)
		explicit_bzero(s->text.data, s->text.room);
	str_free(&s->text);
	s->count = 0;
}

/* --- hash and time ----------------------------------------------------------------- */

static void
feed_lower(struct hmac_sha1_ctx *h, struct slice part)
{
	for (size_t i = 0; i < part.len; i++) {
		uint8_t byte = (uint8_t)ascii_lower((unsigned char)part.data[i]);
		hmac_sha1_update(h, 1, &byte);
	}
}

/* The whole of it in base64. */
static void
make_hash(struct str *into, const struct srs_secrets *s, size_t secret, const struct slice *parts, size_t count)
{
	struct hmac_sha1_ctx h;
	uint8_t digest[SHA1_DIGEST_SIZE];
	hmac_sha1_set_key(&h, s->lines[secret].len, (const uint8_t *)s->text.data + s->lines[secret].at);
	for (size_t i = 0; i < count; i++)
		feed_lower(&h, parts[i]);
	hmac_sha1_digest(&h, sizeof digest, digest);
	base64_encode(into, slice_make((const char *)digest, sizeof digest));
	explicit_bzero(&h, sizeof h);
}

/* In the same time wherever they differ. */
static bool
equal_nocase(struct slice given, struct slice whole)
{
	int different = given.len < HASH_LETTERS || given.len > whole.len;
	for (size_t i = 0; i < given.len && i < whole.len; i++)
		different |= ascii_lower((unsigned char)given.data[i]) ^ ascii_lower((unsigned char)whole.data[i]);
	return different == 0;
}

static bool
is_signed(const struct srs_secrets *s, struct slice hash, const struct slice *parts, size_t count)
{
	bool ok = false;
	for (size_t i = 0; i < s->count; i++) {
		struct str whole = STR_MOST(64);
		make_hash(&whole, s, i, parts, count);
		ok = equal_nocase(hash, str_slice(&whole)) || ok;
		str_free(&whole);
	}
	return ok;
}

static void
append_time(char time[3], int64_t day)
{
	unsigned slot = (unsigned)(day % TIME_SLOTS);
	time[0] = (char)ascii_upper(base32[slot >> 5]);
	time[1] = (char)ascii_upper(base32[slot & 31]);
	time[2] = '\0';
}

static int
digit_of(char c)
{
	const char *at = memchr(base32, ascii_lower((unsigned char)c), 32);
	return at != NULL ? (int)(at - base32) : -1;
}

static enum srs_result
check_time(struct slice time, int64_t day)
{
	int high = time.len == 2 ? digit_of(time.data[0]) : -1, low = time.len == 2 ? digit_of(time.data[1]) : -1;
	if (high < 0 || low < 0)
		return SRS_FORGED;
	int64_t age = (day - (high << 5 | low)) % TIME_SLOTS;
	/* A host whose clock is a day ahead has signed it. */
	return age <= SRS_DAYS || age == TIME_SLOTS - 1 ? SRS_OK : SRS_EXPIRED;
}

/* --- parts ------------------------------------------------------------------------- */

/* The separator behind SRS0 may be one of these; within, it is "=". */
static bool
begins(struct slice local, const char *tag)
{
	return slice_starts_nocase(local, tag) && local.len > 4 && slice_has(slice_of("=+-"), local.data[4]);
}

bool
srs_is_local(struct slice local)
{
	struct slice bare = slice_starts(local, "\"") ? slice_from(local, 1) : local;
	return begins(bare, "SRS0") || begins(bare, "SRS1");
}

/* A local part as it is meant: without quotes and backslashes. */
static bool
unquote(struct str *into, struct slice local)
{
	bool quoted = slice_starts(local, "\"") && slice_ends(local, "\"") && local.len > 1;
	if (!quoted)
		return str_append_slice(into, local);
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.data[i] == '\\' && i + 2 < local.len)
			i++;
		str_append_byte(into, local.data[i]);
	}
	return !into->failed;
}

static bool
take_part(struct slice *rest, struct slice *part)
{
	size_t at = slice_find(*rest, '=');
	*part = slice_first(*rest, at);
	if (at == rest->len)
		return false;
	*rest = slice_from(*rest, at + 1);
	return true;
}

/* --- forward ----------------------------------------------------------------------- */

/* The local part of a new address: tag, hash, and the parts with "=" between. */
static enum srs_result
print(struct str *into, const struct srs_secrets *s, const char *tag, const struct slice *parts, size_t count, const char *domain)
{
	struct str hash = STR_MOST(64), local = STR_MOST(PART_MOST);
	make_hash(&hash, s, 0, parts, count);
	str_append_text(&local, tag);
	str_append_slice(&local, slice_first(str_slice(&hash), HASH_LETTERS));
	for (size_t i = 0; i < count; i++) {
		str_append_byte(&local, '=');
		str_append_slice(&local, parts[i]);
	}
	bool ok = !local.failed && !hash.failed && address_print(into, str_slice(&local), slice_of(domain));
	str_free(&hash);
	str_free(&local);
	return ok ? SRS_OK : SRS_TROUBLE;
}

static enum srs_result
forward(struct str *into, const struct srs_secrets *s, struct slice local, struct slice from, const char *domain, int64_t day)
{
	char time[3];
	append_time(time, day);
	if (begins(local, "SRS0")) {
		/* Its separator belongs to what only its host can read. */
		struct slice parts[] = {from, slice_from(local, 4)};
		return print(into, s, "SRS1=", parts, 2, domain);
	}
	struct slice rest = slice_from(local, 5), hash, forwarder;
	if (begins(local, "SRS1") && take_part(&rest, &hash) && take_part(&rest, &forwarder) && forwarder.len > 0) {
		struct slice parts[] = {forwarder, rest};
		return print(into, s, "SRS1=", parts, 2, domain);
	}
	struct slice parts[] = {slice_of(time), from, local};
	return print(into, s, "SRS0=", parts, 3, domain);
}

enum srs_result
srs_forward(struct str *into, const struct srs_secrets *s, struct slice sender, const char *domain, int64_t day)
{
	struct slice quoted, from;
	struct str local = STR_MOST(PART_MOST);
	address_split(sender, &quoted, &from);
	if (s->count == 0 || quoted.len == 0 || from.len == 0)
		return SRS_NONE;
	enum srs_result r = SRS_TROUBLE;
	/* An empty local part ("") could not be told from one that was cut off. */
	if (unquote(&local, quoted))
		r = local.len == 0 ? SRS_NONE : forward(into, s, str_slice(&local), from, domain, day);
	str_free(&local);
	return r;
}

/* --- back -------------------------------------------------------------------------- */

static enum srs_result
reverse_first(struct str *into, const struct srs_secrets *s, struct slice rest, int64_t day)
{
	struct slice hash, parts[3];
	if (!take_part(&rest, &hash) || !take_part(&rest, &parts[0]) || !take_part(&rest, &parts[1]) || rest.len == 0)
		return SRS_FORGED;
	parts[2] = rest;
	if (!is_signed(s, hash, parts, 3))
		return SRS_FORGED;
	enum srs_result r = check_time(parts[0], day);
	if (r != SRS_OK)
		return r;
	return address_print(into, parts[2], parts[1]) ? SRS_OK : SRS_TROUBLE;
}

/* Its time is the first forwarder's to check. */
static enum srs_result
reverse_again(struct str *into, const struct srs_secrets *s, struct slice rest)
{
	struct slice hash, parts[2];
	struct str local = STR_MOST(PART_MOST);
	if (!take_part(&rest, &hash) || !take_part(&rest, &parts[0]) || rest.len == 0)
		return SRS_FORGED;
	parts[1] = rest;
	if (!is_signed(s, hash, parts, 2))
		return SRS_FORGED;
	str_append_text(&local, "SRS0");
	bool ok = str_append_slice(&local, rest) && address_print(into, str_slice(&local), parts[0]);
	str_free(&local);
	return ok ? SRS_OK : SRS_TROUBLE;
}

static enum srs_result
reverse(struct str *into, const struct srs_secrets *s, struct slice local, int64_t day)
{
	struct slice rest = slice_from(local, 5);
	if (begins(local, "SRS0"))
		return reverse_first(into, s, rest, day);
	return begins(local, "SRS1") ? reverse_again(into, s, rest) : SRS_NONE;
}

enum srs_result
srs_reverse(struct str *into, const struct srs_secrets *s, struct slice local, int64_t day)
{
	struct str plain = STR_MOST(PART_MOST);
	struct address address;
	size_t before = into->len;
	enum srs_result r = unquote(&plain, local) ? reverse(into, s, str_slice(&plain), day) : SRS_TROUBLE;
	str_free(&plain);
	/* A secret that got out must not put into the queue what is no address. */
	enum address_result read = address_parse(slice_from(str_slice(into), before), ADDRESS_UTF8, &address);
	if (r == SRS_OK && read != ADDRESS_OK && read != ADDRESS_LOCAL_LONG) {
		str_truncate(into, before);
		return SRS_FORGED;
	}
	return r;
}
