/* Which of a user's rows a mechanism can work with. */
#include <string.h>

#include "authd/hasher_sasl.h"

static void
expect(struct dialogue *d, const char *why, const char *class)
{
	memcpy(d->why, why, strlen(why) + 1);
	d->class = class;
}

/* libgsasl takes a password that ends in NUL: one in clear that holds another NUL would be cut short there. */
static bool
is_cut(const struct hash *h)
{
	return strcmp(hash_class(h), "clear") == 0 && slice_has(str_slice(&h->text), '\0');
}

bool
secret_next(struct dialogue *d, struct slice *rest, size_t *count, struct hash *h)
{
	struct slice stored;
	while (row_next_password(rest, count, &stored)) {
		bool open = hash_open(h, stored, &d->hasher->all->rules, d->why);
		if (open && mechanism_takes(d->mechanism, hash_class(h)) && !is_cut(h))
			return true;
		if (open && hash_class(h)[0] != '\0')
			d->class = "hashed";
		hash_close(h);
	}
	return false;
}

static bool
look(struct dialogue *d, struct slice rows)
{
	struct hash h;
	size_t count = 0;
	expect(d, "", "");
	if (secret_next(d, &rows, &count, &h)) {
		expect(d, "wrong password", hash_class(&h));
		hash_close(&h);
		return true;
	}
	/* The reason why no row could be used, if there was one. */
	if (d->why[0] != '\0') {
		hasher_later(d->hasher, d->why);
		d->said = true;
	} else if (d->class[0] != '\0') {
		expect(d, "this mechanism cannot work with a hashed password", "hashed");
	} else {
		expect(d, "wrong password", "");
	}
	return false;
}

bool
secret_find(struct dialogue *d, const char *login, const char *authzid, struct row *row)
{
	row_ask(d->hasher, login, authzid, row);
	if (row->state == ROW_FOUND)
		return look(d, str_slice(&row->rows));
	if (row->state == ROW_LATER) {
		hasher_later(d->hasher, "the user's row could not be read");
		d->said = true;
	}
	expect(d, "no such user", "");
	return false;
}
