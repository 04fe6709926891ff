/*
 * The mechanisms that libgsasl runs: it parses what the client sends, and asks
 * here for what it needs to judge it.
 *
 * SCRAM shows salt and rounds before the client has proved anything, so a user
 * who does not exist is shown some too: the salt is made of the name under the
 * key of this start, the same at every try, and so is that of clear passwords.
 */
#include <stdio.h>
#include <string.h>

#include "authd/hash_scram.h"
#include "authd/hasher_sasl.h"
#include "lib/base/encode.h"
#include "lib/base/random.h"

static const char *
property(const struct dialogue *d, Gsasl_property p)
{
	const char *text = gsasl_property_fast(d->session, p);
	return text != NULL ? text : "";
}

static void
set_why(struct dialogue *d, const char *why)
{
	snprintf(d->why, sizeof d->why, "%s", why);
}

/* --- PLAIN, LOGIN, EXTERNAL ---------------------------------------------------------------- */

/* The password as it came, behind PLAIN's last NUL or all that LOGIN has: libgsasl's has been through SASLprep. */
static const char *
password_of(const struct dialogue *d)
{
	size_t nul = slice_find_last(d->input, '\0');
	return slice_from(d->input, nul < d->input.len ? nul + 1 : 0).data;
}

static int
validate_simple(struct dialogue *d)
{
	d->said = true;
	bool right = hasher_check(d->hasher, property(d, GSASL_AUTHID), property(d, GSASL_AUTHZID), password_of(d));
	return right ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

/* PLAIN with bytes that are no UTF-8: libgsasl refuses it, Dovecot takes it, so there are such passwords. */
static enum step
plain_as_it_came(struct dialogue *d)
{
	/* Its two NULs were counted. */
	const char *other = d->input.data, *login = other + strlen(other) + 1;
	if (login[0] == '\0') {
		set_why(d, "no user name");
		return STEP_WRONG;
	}
	hasher_check(d->hasher, login, other, password_of(d));
	return STEP_SAID;
}

/* An account that is locked, by "!" or "*" where its hash should be, is so for certificates too. */
static bool
is_locked(const struct dialogue *d, const struct row *row)
{
	struct slice rest = str_slice(&row->rows), stored;
	char why[HASH_WHY_MOST];
	bool locked = true;
	for (size_t count = 0; locked && row_next_password(&rest, &count, &stored);) {
		struct hash h;
		/* A text that cannot be used is no lock; nothing at all is none either: there need be no password. */
		locked = stored.len > 0 && hash_open(&h, stored, &d->hasher->all->rules, why) && h.locked;
		if (stored.len > 0)
			hash_close(&h);
	}
	return locked;
}

static int
validate_external(struct dialogue *d)
{
	struct row row;
	row_ask(d->hasher, str_text(&d->certificate), property(d, GSASL_AUTHZID), &row);
	enum row_state state = row.state;
	if (state == ROW_FOUND && is_locked(d, &row))
		state = ROW_NONE;
	row_forget(&row);
	d->said = state == ROW_LATER;
	if (d->said)
		hasher_later(d->hasher, "the user's row could not be read");
	set_why(d, "no such user");
	return state == ROW_FOUND ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

/* --- SCRAM (RFC 5802, 7677, 9266) ------------------------------------------------------------- */

static size_t
key_bytes(const struct dialogue *d)
{
	return scram_bytes(slice_starts(slice_of(d->mechanism->name), "SCRAM-SHA-1") ? "scram-sha-1" : "scram-sha-256");
}

/* One user's name has one salt, however it is written. */
static bool
make_salt(const struct dialogue *d, struct str *salt)
{
	struct str name = STR_MOST(BLOB_MOST);
	struct slice login = slice_of(property(d, GSASL_AUTHID));
	bool ok = true;
	for (size_t i = 0; i < login.len; i++)
		ok = str_append_byte(&name, (char)ascii_lower((unsigned char)login.data[i])) && ok;
	size_t slash = slice_find(str_slice(&name), '/');
	if (ok && slash < name.len && !slice_has(login, '@'))
		name.data[slash] = '@';
	const struct slice parts[] = {str_slice(&name), slice_of(key_bytes(d) == 20 ? "1" : "256")};
	uint8_t tag[HASH_TAG_BYTES];
	hash_key_tag(&d->hasher->all->key, "salt", parts, sizeof parts / sizeof *parts, tag);
	str_free(&name);
	return ok && str_append(salt, tag, SCRAM_SALT);
}

/* From a clear password: the client prepares it, so it is prepared here. */
static void
derive_prepared(struct scram_secret *s, const char *password)
{
	char *prepared = NULL;
	bool ok = gsasl_saslprep(password, GSASL_ALLOW_UNASSIGNED, &prepared, NULL) == GSASL_OK;
	scram_derive(s, slice_of(ok ? prepared : password));
	if (ok)
		explicit_bzero(prepared, strlen(prepared));
	gsasl_free(prepared);
}

static bool
derive_of(const struct dialogue *d, struct scram_secret *s, const char *password)
{
	*s = (struct scram_secret){.rounds = SCRAM_ROUNDS, .bytes = key_bytes(d), .salt = STR_MOST(SCRAM_SALT)};
	bool ok = make_salt(d, &s->salt);
	derive_prepared(s, password);
	return ok;
}

/* Takes the time of a derivation in any case: the client could tell what kind of row there is. */
static bool
pretend(const struct dialogue *d, struct scram_secret *s)
{
	char bytes[16];
	struct str password = STR_MOST(2 * sizeof bytes);
	random_bytes(bytes, sizeof bytes);
	hex_encode(&password, slice_make(bytes, sizeof bytes));
	bool ok = derive_of(d, s, str_text(&password));
	str_free(&password);
	return ok;
}

static bool
secret_of_row(struct dialogue *d, struct scram_secret *s, const struct row *row)
{
	struct slice rest = str_slice(&row->rows);
	struct hash h;
	size_t count = 0;
	if (!secret_next(d, &rest, &count, &h))
		return false;
	bool clear = strcmp(hash_class(&h), "clear") == 0, ok;
	if (clear) {
		ok = derive_of(d, s, str_text(&h.text));
		if (!ok)
			set_why(d, "no memory");
	} else {
		struct scram_secret made_up;
		pretend(d, &made_up);
		scram_forget(&made_up);
		ok = scram_parse(s, key_bytes(d), str_slice(&h.text), d->why);
	}
	hash_close(&h);
	return ok;
}

static bool
give(struct dialogue *d, Gsasl_property p, struct slice bytes)
{
	struct str text = STR_MOST(HASH_TEXT_MOST);
	bool ok = base64_encode(&text, bytes) && gsasl_property_set(d->session, p, str_text(&text)) == GSASL_OK;
	if (text.data != NULL)
		explicit_bzero(text.data, text.room);
	str_free(&text);
	return ok;
}

static bool
give_secret(struct dialogue *d, const struct scram_secret *s)
{
	struct str rounds = STR_MOST(20);
	bool ok = str_append_number(&rounds, s->rounds) &&
	    gsasl_property_set(d->session, GSASL_SCRAM_ITER, str_text(&rounds)) == GSASL_OK &&
	    give(d, GSASL_SCRAM_SALT, str_slice(&s->salt)) && give(d, GSASL_SCRAM_STOREDKEY, slice_make(s->stored, s->bytes)) &&
	    give(d, GSASL_SCRAM_SERVERKEY, slice_make(s->server, s->bytes));
	str_free(&rounds);
	return ok;
}

/* Once an exchange, when the client has said who it is: all four things that libgsasl will want. */
static int
scram_secret(struct dialogue *d)
{
	struct row row;
	struct scram_secret s = {.bytes = 0};
	bool found = secret_find(d, property(d, GSASL_AUTHID), property(d, GSASL_AUTHZID), &row), ok;
	if (d->said) {
		ok = false;
	} else {
		ok = found ? secret_of_row(d, &s, &row) : pretend(d, &s);
		ok = ok && give_secret(d, &s);
		d->said = !ok;
		if (!ok)
			hasher_later(d->hasher, found && d->why[0] != '\0' ? d->why : "no memory");
	}
	scram_forget(&s);
	row_forget(&row);
	return ok ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

/* BINDING: NAME=BASE64, spaces between. */
static int
channel_binding(struct dialogue *d, Gsasl_property p)
{
	const char *name = p == GSASL_CB_TLS_EXPORTER ? "tls-exporter=" : "tls-unique=";
	struct slice all = str_slice(&d->binding), one;
	while (slice_split(&all, ' ', &one)) {
		if (!slice_starts(one, name))
			continue;
		struct slice value = slice_from(one, strlen(name));
		return gsasl_property_set_raw(d->session, p, value.data, value.len);
	}
	return GSASL_NO_CALLBACK;
}

/* --- DIGEST-MD5 (RFC 2831) --------------------------------------------------------------------- */

/* The realm is what the client says: the user's domain where the name has none. */
static bool
digest_login(const struct dialogue *d, struct str *login)
{
	const char *name = property(d, GSASL_AUTHID), *realm = property(d, GSASL_REALM);
	str_append_text(login, name);
	if (strchr(name, '@') == NULL && realm[0] != '\0') {
		str_append_byte(login, '@');
		str_append_text(login, realm);
	}
	return !login->failed;
}

static int
give_password(struct dialogue *d, bool found, const struct row *row)
{
	struct slice rest = str_slice(&row->rows);
	struct hash h;
	size_t count = 0;
	if (found && secret_next(d, &rest, &count, &h)) {
		int r = gsasl_property_set(d->session, GSASL_PASSWORD, str_text(&h.text));
		hash_close(&h);
		return r;
	}
	uint64_t nobodys[2] = {random_number(), random_number()};
	return gsasl_property_set_raw(d->session, GSASL_PASSWORD, (const char *)nobodys, sizeof nobodys);
}

static int
digest_password(struct dialogue *d)
{
	struct row row;
	struct str login = STR_MOST(BLOB_MOST);
	bool ok = digest_login(d, &login);
	bool found = secret_find(d, str_text(&login), property(d, GSASL_AUTHZID), &row);
	int r = ok && !d->said ? give_password(d, found, &row) : GSASL_AUTHENTICATION_ERROR;
	str_free(&login);
	row_forget(&row);
	return r;
}

/* --- between libgsasl and an exchange -------------------------------------------------------------- */

int
library_asks(Gsasl *library, Gsasl_session *session, Gsasl_property p)
{
	(void)library;
	struct dialogue *d = gsasl_session_hook_get(session);
	switch (p) {
	case GSASL_VALIDATE_SIMPLE:
		return validate_simple(d);
	case GSASL_VALIDATE_EXTERNAL:
		return validate_external(d);
	case GSASL_SCRAM_ITER:
		return scram_secret(d);
	case GSASL_CB_TLS_EXPORTER:
	case GSASL_CB_TLS_UNIQUE:
		return channel_binding(d, p);
	case GSASL_QOPS:
		return gsasl_property_set(session, p, "qop-auth");
	case GSASL_PASSWORD:
		return digest_password(d);
	default:
		return GSASL_NO_CALLBACK;
	}
}

/* Not the client's doing. */
static bool
is_trouble(int r)
{
	return r == GSASL_MALLOC_ERROR || r == GSASL_CRYPTO_ERROR;
}

static enum step
judge(struct dialogue *d, int r)
{
	if (d->said)
		return STEP_SAID;
	if (r == GSASL_SASLPREP_ERROR && d->mechanism->nuls == 2)
		return plain_as_it_came(d);
	if (r == GSASL_NEEDS_MORE || r == GSASL_OK)
		return r == GSASL_OK ? STEP_RIGHT : STEP_MORE;
	if (is_trouble(r)) {
		hasher_later(d->hasher, gsasl_strerror_name(r));
		return STEP_SAID;
	}
	if (r != GSASL_AUTHENTICATION_ERROR || d->why[0] == '\0')
		snprintf(d->why, sizeof d->why, "%s", gsasl_strerror_name(r));
	return STEP_WRONG;
}

enum step
library_step(struct dialogue *d, struct slice input, struct str *output)
{
	char *made = NULL;
	size_t len = 0;
	d->input = input;
	int r = gsasl_step(d->session, input.data, input.len, &made, &len);
	bool ok = len == 0 || str_append(output, made, len);
	gsasl_free(made);
	return judge(d, ok ? r : GSASL_MALLOC_ERROR);
}
