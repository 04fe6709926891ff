#include "authd/facts.h"

#include <string.h>

static const struct fact trouble = {.state = FACT_LATER};

void
facts_begin(struct facts *f, struct fact_source *source)
{
	f->source = source;
	f->count = 0;
	f->wanting = f->remembered = f->anew = false;
	f->wanted_key = STR_MOST(MAP_KEY_MOST);
}

void
facts_end(struct facts *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct fact *known = &f->known[i];
		if (known->map == MAP_PASSWORD && known->value.data != NULL)
			explicit_bzero(known->value.data, known->value.room);
		str_free(&known->key);
		str_free(&known->value);
	}
	f->count = 0;
	str_free(&f->wanted_key);
}

static struct fact *
add(struct facts *f, enum map map, struct slice key)
{
	if (f->count == FACTS_MOST)
		return NULL;
	struct fact *new = &f->known[f->count];
	*new = (struct fact){.map = map, .state = FACT_LATER, .key = STR_MOST(MAP_KEY_MOST), .value = STR_MOST(MAP_VALUE_MOST)};
	if (!str_set(&new->key, key)) {
		str_free(&new->key);
		return NULL;
	}
	f->count++;
	return new;
}

static const struct fact *
find(const struct facts *f, enum map map, struct slice key)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->known[i].map == map && slice_equal(str_slice(&f->known[i].key), key))
			return &f->known[i];
	return NULL;
}

/* True when SQL gave the answer a moment ago. */
static bool
recall(struct facts *f, struct fact *new)
{
	const struct recent *recent = f->source->recent;
	const struct recent_fact *r = recent != NULL && !f->anew ? recent_find(recent, new->map, str_slice(&new->key)) : NULL;
	if (r == NULL || !str_set(&new->value, slice_make(r->value, r->value_len)))
		return false;
	new->state = r->state;
	f->remembered = true;
	return true;
}

void
facts_ask_anew(struct facts *f)
{
	facts_end(f);
	facts_begin(f, f->source);
	f->anew = true;
}

const struct fact *
facts_ask(struct facts *f, enum map map, struct slice key)
{
	const struct fact *known = find(f, map, key);
	if (known != NULL)
		return known;
	struct fact_source *source = f->source;
	if (!source->users->open && !source->any_sql)
		return &trouble;
	struct fact *new = add(f, map, key);
	if (new == NULL)
		return &trouble;
	new->state = users_cdb_find(source->users, map, key, &new->value);
	if (new->state != FACT_NONE || !source->sql[map] || recall(f, new))
		return new;
	f->count--;
	str_free(&new->key);
	f->wanted_map = map;
	f->wanting = str_set(&f->wanted_key, key);
	return f->wanting ? NULL : &trouble;
}

void
facts_learn(struct facts *f, enum fact_state state, struct slice value)
{
	if (!f->wanting)
		return;
	f->wanting = false;
	if (f->source->recent != NULL)
		recent_note(f->source->recent, f->wanted_map, str_slice(&f->wanted_key), state, value);
	struct fact *new = add(f, f->wanted_map, str_slice(&f->wanted_key));
	if (new == NULL)
		return;
	new->state = state;
	if (state == FACT_FOUND && !str_set(&new->value, value))
		new->state = FACT_LATER;
}
