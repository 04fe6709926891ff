/*
 * A user's rows, and a password tried on each. Whatever fails takes as long as
 * if a hash had been verified (promise 16): users who do not exist, accounts
 * without a password, and those with fewer passwords than others have.
 */
#include <gsasl.h>
#include <string.h>

#include "authd/hasher_worker.h"
#include "authd/maps.h"
#include "authd/rows.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define ROW_PATIENCE   20000 /* ms; the loop answers sooner, or is gone */
#define CHECK_PATIENCE 10000 /* ms; after it no further hash is begun: one takes a few seconds at most, a job 30 */
#define ROWS_MOST      MAP_VALUE_MOST

/* --- asking ------------------------------------------------------------------------- */

static enum row_state
take_row(struct packet *p, struct row *r)
{
	const char *state = packet_field(p), *rows = packet_field(p), *memory = packet_field(p);
	if (state != NULL && strcmp(state, "none") == 0)
		return ROW_NONE;
	if (state == NULL || strcmp(state, "found") != 0 || memory == NULL)
		return ROW_LATER;
	bool ok = str_append_text(&r->rows, rows) && str_append_text(&r->memory, memory);
	return ok ? ROW_FOUND : ROW_LATER;
}

void
row_ask(struct hasher *h, const char *login, const char *authzid, struct row *r)
{
	*r = (struct row){.state = ROW_LATER, .rows = STR_MOST(ROWS_MOST), .memory = STR_MOST(HASH_TAG_TEXT)};
	packet_begin(h->packet, "need");
	packet_add_text(h->packet, login);
	packet_add_text(h->packet, strcmp(login, authzid) != 0 ? authzid : "");
	if (packet_call(h->socket, h->packet, ROW_PATIENCE) && strcmp(packet_verb(h->packet), "row") == 0)
		r->state = take_row(h->packet, r);
	explicit_bzero(h->packet->data, h->packet->len);
}

void
row_forget(struct row *r)
{
	if (r->rows.data != NULL)
		explicit_bzero(r->rows.data, r->rows.room);
	str_free(&r->rows);
	str_free(&r->memory);
}

bool
row_next_password(struct slice *rest, size_t *count, struct slice *stored)
{
	struct slice row;
	if (*count == PASSWORDS_MOST || !rows_next(rest, &row))
		return false;
	if (!row_column(row, "password", "password", stored))
		*stored = slice_of("");
	++*count;
	return true;
}

/* A row without a password that says so lets any password in (Dovecot's nopassword). */
static bool
is_open(struct slice rows)
{
	struct slice row, password;
	while (rows_next(&rows, &row))
		if (row_flag(row, "nopassword") && (!row_column(row, "password", "password", &password) || password.len == 0))
			return true;
	return false;
}

/* --- one login ----------------------------------------------------------------------- */

/* The password as it came and, when that is another, as SASLprep (RFC 4013) makes it: a hash may be of either. */
struct attempt {
	struct hasher *hasher;
	const char    *login;
	const char    *passwords[2];
	size_t         count;
	char          *prepared;
	int64_t        deadline;
	size_t         spent; /* costly hashes that were verified */
	bool           right, costly, unusable, late;
	const char    *class;
	char           why[HASH_WHY_MOST];
};

static void
begin(struct attempt *a, struct hasher *h, const char *login, const char *password)
{
	*a = (struct attempt){.hasher = h, .login = login, .passwords = {password}, .count = 1,
	    .deadline = clock_ms() + CHECK_PATIENCE};
	bool prepared = gsasl_saslprep(password, GSASL_ALLOW_UNASSIGNED, &a->prepared, NULL) == GSASL_OK;
	if (prepared && strcmp(a->prepared, password) != 0)
		a->passwords[a->count++] = a->prepared;
}

static void
end(struct attempt *a)
{
	if (a->prepared != NULL)
		explicit_bzero(a->prepared, strlen(a->prepared));
	gsasl_free(a->prepared);
}

static void
note_class(struct attempt *a, const char *class)
{
	a->class = a->class == NULL || strcmp(a->class, class) == 0 ? class : "hashed";
}

static void
try_hash(struct attempt *a, const struct hash *h, struct slice stored)
{
	enum hash_result r = HASH_WRONG;
	for (size_t i = 0; i < a->count && r == HASH_WRONG; i++) {
		a->late = a->late || clock_ms() > a->deadline;
		if (a->late)
			return;
		r = hash_check(h, a->passwords[i], a->why);
		a->spent += hash_is_costly(h);
	}
	a->right = r == HASH_RIGHT;
	a->costly = hash_is_costly(h);
	a->unusable = a->unusable || r == HASH_UNUSABLE;
	if (a->costly && r != HASH_UNUSABLE)
		str_set(&a->hasher->model, stored);
}

/* How many costly hashes it was. */
static size_t
try_text(struct attempt *a, struct slice stored)
{
	struct hash h;
	bool open = hash_open(&h, stored, &a->hasher->all->rules, a->why), costly = open && hash_is_costly(&h);
	if (open) {
		note_class(a, hash_class(&h));
		try_hash(a, &h, stored);
	}
	a->unusable = a->unusable || !open;
	hash_close(&h);
	return costly;
}

static void
try_rows(struct attempt *a, const struct row *r)
{
	struct slice rest = str_slice(&r->rows), stored;
	size_t count = 0, costly = 0;
	while (!a->right && row_next_password(&rest, &count, &stored))
		costly += try_text(a, stored);
	if (costly > a->hasher->model_rows)
		a->hasher->model_rows = costly;
	if (!a->right && rest.len > 0)
		log_warning("too-many-passwords", log_text("user", a->login),
		    log_text("hint", "16 rows of a user are tried; delete application passwords that are not used any more"));
}

/* Up to what the user with the most passwords costs. */
static void
spend_the_rest(struct attempt *a)
{
	size_t wanted = a->hasher->model_rows * a->count;
	for (; a->spent < wanted && clock_ms() < a->deadline; a->spent++)
		hash_spend(a->passwords[a->spent % a->count], str_slice(&a->hasher->model));
}

/* The same wrong password again is to be known for that: a phone that keeps an old one does not guess. */
static void
say_no(struct attempt *a, const char *why, const char *class)
{
	const struct slice parts[] = {slice_of(a->login), slice_of(a->passwords[0])};
	char tried[HASH_TAG_TEXT + 1];
	hash_key_text(&a->hasher->all->key, "tried", parts, sizeof parts / sizeof *parts, tried);
	hasher_no(a->hasher, why, class);
	packet_add_text(a->hasher->packet, tried);
}

static void
say(struct attempt *a, const char *memory)
{
	const char *class = a->class != NULL ? a->class : "";
	if (a->right) {
		hasher_ok(a->hasher, a->costly ? memory : "", class);
		return;
	}
	spend_the_rest(a);
	if (a->unusable)
		hasher_later(a->hasher, a->why);
	else if (a->late)
		hasher_later(a->hasher, "the user's passwords take too long to verify: too many, or with too many rounds");
	else
		say_no(a, "wrong password", class);
}

/* What the rows hold, when nothing is verified. */
static void
note_classes(struct attempt *a, const struct row *r)
{
	struct slice rest = str_slice(&r->rows), stored;
	char why[HASH_WHY_MOST];
	for (size_t count = 0; row_next_password(&rest, &count, &stored);) {
		struct hash h;
		if (hash_open(&h, stored, &a->hasher->all->rules, why))
			note_class(a, hash_class(&h));
		hash_close(&h);
	}
}

static void
judge(struct attempt *a, const struct row *r)
{
	char memory[HASH_TAG_TEXT + 1];
	if (is_open(str_slice(&r->rows))) {
		a->right = true;
		say(a, "");
		return;
	}
	hash_key_memory(&a->hasher->all->key, slice_of(a->login), str_slice(&r->rows), slice_of(a->passwords[0]), memory);
	if (r->memory.len == HASH_TAG_TEXT && hash_same(slice_of(memory), str_slice(&r->memory))) {
		a->right = a->costly = true;
		note_classes(a, r);
	} else {
		try_rows(a, r);
	}
	say(a, memory);
	explicit_bzero(memory, sizeof memory);
}

bool
hasher_check(struct hasher *h, const char *login, const char *authzid, const char *password)
{
	struct attempt a;
	struct row r;
	begin(&a, h, login, password);
	row_ask(h, login, authzid, &r);
	if (r.state == ROW_FOUND) {
		judge(&a, &r);
	} else if (r.state == ROW_NONE) {
		spend_the_rest(&a);
		say_no(&a, "no such user", "");
	} else {
		hasher_later(h, "the user's row could not be read");
	}
	row_forget(&r);
	end(&a);
	return a.right;
}
