/*
 * CRAM-MD5 (RFC 2195). Not libgsasl's, which needs the clear password: of
 * Dovecot's scheme CRAM-MD5 a table holds no more than HMAC-MD5's state.
 */
#include <string.h>

#include "authd/hash_cram.h"
#include "authd/hasher_sasl.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"

static enum step
challenge(struct dialogue *d, struct str *output)
{
	const char *host = d->hasher->all->hostname;
	d->challenge = STR_MOST(BLOB_MOST);
	str_append_format(&d->challenge, "<%llu.%lld@%s>", (unsigned long long)random_number(), (long long)clock_unix(),
	    host != NULL ? host : "localhost");
	if (str_append_slice(output, str_slice(&d->challenge)) && d->challenge.len > 0)
		return STEP_MORE;
	hasher_later(d->hasher, "no memory");
	return STEP_SAID;
}

static bool
fits(const struct dialogue *d, const char secret[CRAM_SECRET], struct slice answer)
{
	char right[2 * CRAM_DIGEST + 1];
	cram_answer(secret, str_slice(&d->challenge), right);
	return hash_same(slice_of(right), answer);
}

static bool
fits_row(const struct dialogue *d, const struct hash *h, struct slice answer)
{
	char secret[CRAM_SECRET];
	if (strcmp(hash_class(h), "clear") == 0)
		cram_secret_of(str_slice(&h->text), secret);
	else
		memcpy(secret, h->text.data, sizeof secret);
	bool right = fits(d, secret, answer);
	explicit_bzero(secret, sizeof secret);
	return right;
}

static bool
fits_a_row(struct dialogue *d, const struct row *row, struct slice answer)
{
	struct slice rest = str_slice(&row->rows);
	struct hash h;
	bool right = false;
	for (size_t count = 0; !right && secret_next(d, &rest, &count, &h);) {
		right = fits_row(d, &h, answer);
		d->class = hash_class(&h);
		hash_close(&h);
	}
	return right;
}

/* Nobody has this secret; it takes the time of one. */
static void
pretend(const struct dialogue *d, struct slice answer)
{
	char secret[CRAM_SECRET];
	random_bytes(secret, sizeof secret);
	fits(d, secret, answer);
}

static enum step
answer_of(struct dialogue *d, const char *login, struct slice answer)
{
	struct row row;
	bool found = secret_find(d, login, "", &row);
	bool right = found && fits_a_row(d, &row, answer);
	if (!found)
		pretend(d, answer);
	row_forget(&row);
	return d->said ? STEP_SAID : right ? STEP_RIGHT : STEP_WRONG;
}

/* user SP digest, in either case of letters. */
enum step
cram_step(struct dialogue *d, struct slice input, struct str *output)
{
	if (d->steps == 0)
		return challenge(d, output);
	size_t space = slice_find_last(input, ' ');
	struct str login = STR_MOST(BLOB_MOST), answer = STR_MOST(BLOB_MOST);
	bool ok = str_append_slice(&login, slice_first(input, space)) && login.len > 0;
	struct slice digest = slice_from(input, space + 1);
	for (size_t i = 0; i < digest.len; i++)
		ok = str_append_byte(&answer, (char)ascii_lower((unsigned char)digest.data[i])) && ok;
	enum step s = ok && answer.len == 2 * CRAM_DIGEST ? answer_of(d, login.data, str_slice(&answer)) : STEP_WRONG;
	str_free(&login);
	str_free(&answer);
	return s;
}
