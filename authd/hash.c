#include "authd/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/hash_schemes.h"
#include "lib/base/ascii.h"
#include "lib/base/encode.h"

bool
hash_same(struct slice a, struct slice b)
{
	volatile unsigned char difference = a.len != b.len;
	for (size_t i = 0; i < a.len; i++)
		difference |= (unsigned char)(a.data[i] ^ (b.len > 0 ? b.data[i % b.len] : 0));
	return difference == 0;
}

enum hash_result
hash_compared(struct slice a, struct slice b)
{
	return hash_same(a, b) ? HASH_RIGHT : HASH_WRONG;
}

enum hash_result
hash_unusable(char *why, const char *reason)
{
	snprintf(why, HASH_WHY_MOST, "%s", reason);
	return HASH_UNUSABLE;
}

enum hash_result
hash_too_short(char *why)
{
	return hash_unusable(why, "the password column is too short for its hash");
}

/* --- the name ------------------------------------------------------------------------ */

struct named {
	const struct scheme *scheme;
	enum encoding        encoding;
	bool                 suffix; /* the encoding was named */
	struct slice         text;
};

static const struct {
	const char   *name;
	enum encoding encoding;
} suffixes[] = {{"b64", BASE64}, {"base64", BASE64}, {"hex", HEX}};

/* "SSHA.hex": the last point parts scheme and encoding. */
static bool
take_name(struct named *n, struct slice name)
{
	size_t point = slice_find_last(name, '.');
	struct slice suffix = slice_from(name, point + 1);
	n->scheme = scheme_find(slice_first(name, point));
	if (n->scheme == NULL)
		return false;
	n->encoding = n->scheme->encoding;
	n->suffix = point < name.len;
	for (size_t i = 0; n->suffix && i < sizeof suffixes / sizeof *suffixes; i++) {
		if (!slice_is_nocase(suffix, suffixes[i].name))
			continue;
		n->encoding = suffixes[i].encoding;
		return true;
	}
	return !n->suffix;
}

static struct slice
default_name(const struct hash_rules *rules)
{
	return slice_of(rules->default_scheme != NULL && rules->default_scheme[0] != '\0' ? rules->default_scheme : "CRYPT");
}

static void
say_name(char *why, const char *what, struct slice name)
{
	snprintf(why, HASH_WHY_MOST, "%s: %.*s", what, (int)(name.len < 40 ? name.len : 40), name.data);
}

static bool
find_scheme(struct named *n, struct slice stored, const struct hash_rules *rules, char *why)
{
	size_t end = slice_find(stored, '}');
	bool marked = slice_starts(stored, "{") && end < stored.len;
	struct slice name = marked ? slice_first(slice_from(stored, 1), end - 1) : default_name(rules);
	n->text = marked ? slice_from(stored, end + 1) : stored;
	if (take_name(n, name))
		return true;
	say_name(why, "the password's scheme is not known here", name);
	return false;
}

/* --- the text --------------------------------------------------------------------------- */

static bool
hex_decode(struct str *into, struct slice text)
{
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		int high = ascii_hex((unsigned char)text.data[i]), low = ascii_hex((unsigned char)text.data[i + 1]);
		if (high < 0 || low < 0 || !str_append_byte(into, (char)(high << 4 | low)))
			return false;
	}
	return text.len % 2 == 0;
}

/* Of the digest alone. */
static size_t
encoded_length(const struct scheme *s, enum encoding encoding)
{
	return encoding == HEX ? 2 * (size_t)s->bytes : ((size_t)s->bytes + 2) / 3 * 4;
}

/* As Dovecot does it: a digest without salt may stand in hexadecimal or base64, whichever fits its length. */
static enum encoding
encoding_of(const struct named *n)
{
	const struct scheme *s = n->scheme;
	if (n->suffix || s->encoding == AS_IT_IS || s->salted)
		return n->encoding;
	if (n->text.len == encoded_length(s, HEX))
		return HEX;
	return n->text.len == encoded_length(s, BASE64) ? BASE64 : n->encoding;
}

/* A digest that was cut is told apart from one that is garbled. */
static bool
decode(struct hash *h, const struct named *n, char *why)
{
	enum encoding encoding = encoding_of(n);
	size_t least = encoded_length(h->scheme, encoding);
	bool ok = encoding == AS_IT_IS ? str_set(&h->text, n->text)
	    : encoding == HEX          ? hex_decode(&h->text, n->text)
	                               : base64_decode(&h->text, n->text);
	if (h->text.failed)
		hash_unusable(why, "the stored password is too long or there is no memory");
	else if (encoding != AS_IT_IS && (n->text.len < least || (ok && h->text.len < h->scheme->bytes)))
		hash_too_short(why);
	else if (!ok)
		hash_unusable(why, encoding == HEX ? "the stored password is not hexadecimal, or was cut by its column"
		                                   : "the stored password is not base64, or was cut by its column");
	else
		return true;
	return false;
}

/* The mark of a locked account stands where a hash should be; in clear it is a password. */
static bool
is_locked(const struct scheme *s, struct slice text)
{
	bool clear = strcmp(s->class, "clear") == 0;
	return text.len == 0 || (!clear && (slice_starts(text, "!") || slice_starts(text, "*")));
}

static bool
is_allowed(const struct hash *h, const struct hash_rules *rules)
{
	if (!scheme_is_weak(h->scheme, str_slice(&h->text)))
		return true;
	const char *family = scheme_family(h->scheme, str_slice(&h->text));
	struct slice names = slice_of(rules->weak), name;
	while (slice_split(&names, ' ', &name)) {
		const struct scheme *s = scheme_find(name);
		/* Of crypt(3)'s two weak families the name says which, whatever its row is called. */
		const char *known = s != NULL ? s->family : NULL;
		if (slice_is_nocase(name, "MD5"))
			known = "MD5-CRYPT";
		if (slice_is_nocase(name, family) || (known != NULL && strcmp(known, family) == 0))
			return true;
	}
	return false;
}

bool
hash_open(struct hash *h, struct slice stored, const struct hash_rules *rules, char why[HASH_WHY_MOST])
{
	struct named n;
	*h = (struct hash){.text = STR_MOST(HASH_TEXT_MOST)};
	if (!find_scheme(&n, stored, rules, why))
		return false;
	h->scheme = n.scheme;
	h->locked = is_locked(n.scheme, n.text);
	if (h->locked)
		return true;
	if (!decode(h, &n, why))
		return false;
	if (is_allowed(h, rules))
		return true;
	snprintf(why, HASH_WHY_MOST, "a weak hash that is not allowed (setting weak_schemes): %s",
	    scheme_family(h->scheme, str_slice(&h->text)));
	return false;
}

void
hash_close(struct hash *h)
{
	if (h->text.data != NULL)
		explicit_bzero(h->text.data, h->text.room);
	str_free(&h->text);
}

/* --- what it is worth -------------------------------------------------------------------- */

const char *
hash_class(const struct hash *h)
{
	return h->locked ? "" : h->scheme->class;
}

bool
hash_is_costly(const struct hash *h)
{
	return !h->locked && h->scheme->costly;
}

enum hash_result
hash_check(const struct hash *h, const char *password, char why[HASH_WHY_MOST])
{
	if (h->locked)
		return HASH_WRONG;
	return h->scheme->verify(h->scheme, slice_of(password), str_slice(&h->text), why);
}

enum hash_result
hash_verify(const char *password, struct slice stored, const struct hash_rules *rules, char why[HASH_WHY_MOST])
{
	struct hash h;
	enum hash_result r = hash_open(&h, stored, rules, why) ? hash_check(&h, password, why) : HASH_UNUSABLE;
	hash_close(&h);
	return r;
}

void
hash_spend(const char *password, struct slice model)
{
	/* A model was taken from a row that was allowed. */
	static const struct hash_rules all = {.weak = "DES-CRYPT MD5-CRYPT NT"};
	char why[HASH_WHY_MOST];
	hash_verify(password, model, &all, why);
}

bool
hash_rules_ok(const struct hash_rules *rules, char why[HASH_WHY_MOST])
{
	struct named n;
	struct slice names = slice_of(rules->weak), name = default_name(rules);
	bool ok = take_name(&n, name);
	while (ok && slice_split(&names, ' ', &name))
		ok = name.len == 0 || scheme_find(name) != NULL || slice_is_nocase(name, "NT");
	if (!ok)
		say_name(why, "no such scheme", name);
	return ok;
}

char *
hash_make(const char *scheme, const char *password)
{
	const struct scheme *s = scheme_find(slice_of(scheme));
	if (s != NULL && s->make != NULL)
		return s->make(s, password);
	errno = EINVAL;
	return NULL;
}
