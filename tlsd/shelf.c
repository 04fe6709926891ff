#include "tlsd/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "tlsd/names.h"

/* A name and its certificates. Names of the same text become one place. */
struct place {
	struct slice        name;
	struct shelf_choice choice;
};

struct shelf {
	struct certificate **all;
	size_t               count, room;
	struct place        *places; /* by name */
	size_t               place_count;
	size_t               bytes;
	struct shelf_choice  standard;
};

struct shelf *
shelf_new(void)
{
	return calloc(1, sizeof(struct shelf));
}

static void
free_certificate(struct certificate *c)
{
	free(c->file);
	free(c->key);
	free(c->chain);
	free(c->names);
	free(c->response);
	free(c);
}

void
shelf_free(struct shelf *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		free_certificate(s->all[i]);
	free(s->all);
	free(s->places);
	free(s);
}

/* --- filling ------------------------------------------------------------------------------ */

static char *
copy(struct shelf *s, struct slice bytes)
{
	char *own = malloc(bytes.len + 1);
	if (own == NULL)
		return NULL;
	memcpy(own, bytes.data, bytes.len);
	own[bytes.len] = '\0';
	s->bytes += bytes.len + 32;
	return own;
}

static bool
reserve(struct shelf *s)
{
	if (s->count < s->room)
		return true;
	size_t room = s->room * 2 + 16;
	struct certificate **more = reallocarray(s->all, room, sizeof *more);
	if (more == NULL)
		return false;
	s->all = more;
	s->room = room;
	return true;
}

bool
shelf_add(struct shelf *s, uint64_t id, const char *file, const char *key, int64_t ends, struct slice chain)
{
	struct certificate *c = reserve(s) ? calloc(1, sizeof *c) : NULL;
	if (c == NULL)
		return false;
	s->all[s->count++] = c;
	s->bytes += sizeof *c;
	c->id = id;
	c->ends = ends;
	c->kind = strncmp(key, "RSA", 3) == 0 ? SHELF_RSA : SHELF_EC;
	c->file = copy(s, slice_of(file));
	c->key = copy(s, slice_of(key));
	c->chain = copy(s, chain);
	c->chain_len = chain.len;
	return c->file != NULL && c->key != NULL && c->chain != NULL;
}

static struct certificate *
last(const struct shelf *s)
{
	return s->count > 0 ? s->all[s->count - 1] : NULL;
}

bool
shelf_add_names(struct shelf *s, struct slice names)
{
	struct certificate *c = last(s);
	if (c == NULL || c->names != NULL)
		return false;
	c->names = copy(s, names);
	return c->names != NULL;
}

bool
shelf_add_response(struct shelf *s, int64_t ends, struct slice der)
{
	struct certificate *c = last(s);
	if (c == NULL || c->response != NULL)
		return false;
	c->response = copy(s, der);
	c->response_len = der.len;
	c->response_ends = ends;
	return c->response != NULL;
}

/* --- the order of names ---------------------------------------------------------------------- */

static int
compare_names(struct slice a, struct slice b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	return compare_names(one->name, other->name);
}

static void
merge(struct shelf_choice *into, const struct shelf_choice *more)
{
	for (int k = 0; k < SHELF_KINDS; k++)
		if (more->of[k] != NULL && (into->of[k] == NULL || more->of[k]->ends > into->of[k]->ends))
			into->of[k] = more->of[k];
}

static struct slice
names_in(const struct certificate *c)
{
	return slice_of(c->names);
}

static size_t
count_names(const struct shelf *s)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct slice rest = names_in(s->all[i]), name;
		while (slice_split(&rest, ' ', &name))
			count++;
	}
	return count;
}

static void
list_places(struct shelf *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct slice rest = names_in(s->all[i]), name;
		while (slice_split(&rest, ' ', &name)) {
			struct place *p = &s->places[s->place_count++];
			*p = (struct place){.name = name};
			p->choice.of[s->all[i]->kind] = s->all[i];
		}
	}
}

static void
merge_places(struct shelf *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->place_count; i++) {
		if (kept > 0 && compare_names(s->places[kept - 1].name, s->places[i].name) == 0)
			merge(&s->places[kept - 1].choice, &s->places[i].choice);
		else
			s->places[kept++] = s->places[i];
	}
	s->place_count = kept;
}

static const struct shelf_choice *
look_up(const struct shelf *s, struct slice name)
{
	struct place wanted = {.name = name};
	const struct place *p = bsearch(&wanted, s->places, s->place_count, sizeof *p, compare_places);
	return p != NULL ? &p->choice : NULL;
}

static void
choose_default(struct shelf *s)
{
	struct slice rest = names_in(s->all[0]), name;
	const struct shelf_choice *found = slice_split(&rest, ' ', &name) ? look_up(s, name) : NULL;
	if (found != NULL)
		s->standard = *found;
	s->standard.of[s->all[0]->kind] = s->all[0];
}

bool
shelf_finish(struct shelf *s)
{
	size_t count = count_names(s);
	s->places = calloc(count + 1, sizeof *s->places);
	if (s->places == NULL || s->count == 0)
		return false;
	s->bytes += count * sizeof *s->places;
	list_places(s);
	qsort(s->places, s->place_count, sizeof *s->places, compare_places);
	merge_places(s);
	choose_default(s);
	return true;
}

/* --- asking ------------------------------------------------------------------------------------ */

size_t
shelf_count(const struct shelf *s)
{
	return s->count;
}

const struct certificate *
shelf_get(const struct shelf *s, size_t number)
{
	return s->all[number];
}

size_t
shelf_bytes(const struct shelf *s)
{
	return s->bytes;
}

struct shelf_choice
shelf_default(const struct shelf *s)
{
	return s->standard;
}

struct shelf_choice
shelf_find(const struct shelf *s, const char *name)
{
	char lower[NAME_MOST + 1];
	size_t len = name != NULL ? strlen(name) : 0;
	if (len == 0 || len > NAME_MOST)
		return s->standard;
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)ascii_lower((unsigned char)name[i]);
	struct slice whole = slice_make(lower, len);
	const struct shelf_choice *found = look_up(s, whole);
	size_t dot = slice_find(whole, '.');
	if (found != NULL || dot == 0 || dot == len)
		return found != NULL ? *found : s->standard;
	lower[dot - 1] = '*'; /* the label's last byte: what is before it is left out */
	found = look_up(s, slice_from(whole, dot - 1));
	return found != NULL ? *found : s->standard;
}
