#include "authd/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/rows.h"
#include "lib/base/clock.h"

static const struct fact trouble = {.state = FACT_LATER};

const char *
map_name(enum map map)
{
	static const char *const names[MAP_COUNT] = {
	    [MAP_DOMAIN] = "domains", [MAP_MAILBOX] = "mailboxes", [MAP_ALIAS] = "aliases", [MAP_QUOTA] = "quotas",
	    [MAP_PASSWORD] = "passwords", [MAP_RELAY_DOMAIN] = "relay_domains", [MAP_TRANSPORT] = "transports",
	    [MAP_SENDER] = "senders", [MAP_MESSAGE_SIZE] = "message_sizes", [MAP_USED] = "used",
	    [MAP_DOMAIN_QUOTA] = "domain_quotas", [MAP_DOMAIN_USED] = "domain_used",
	    [MAP_SENDER_RELAY] = "sender_relay_hosts", [MAP_SENDER_BCC] = "sender_bcc", [MAP_RECIPIENT_BCC] = "recipient_bcc",
	};
	return names[map];
}

void
facts_begin(struct facts *f, struct fact_source *source)
{
	*f = (struct facts){.source = source, .service = "", .client = ""};
}

static void
forget_wanted(struct facts *f)
{
	while (f->wanted_count > 0)
		str_free(&f->wanted[--f->wanted_count].key);
	f->wanting = false;
}

static void
forget(struct fact *known)
{
	if (known->map == MAP_PASSWORD && known->value.data != NULL)
		explicit_bzero(known->value.data, known->value.room);
	str_free(&known->key);
	str_free(&known->value);
}

void
facts_end(struct facts *f)
{
	for (size_t i = 0; i < f->count; i++)
		forget(&f->known[i]);
	free(f->known);
	f->known = NULL;
	f->count = f->room = 0;
	forget_wanted(f);
}

/* --- what is wanted --------------------------------------------------------------------- */

static size_t
find_wanted(const struct facts *f, enum map map, struct slice key)
{
	size_t at = 0;
	while (at < f->wanted_count && (f->wanted[at].map != map || !slice_equal(str_slice(&f->wanted[at].key), key)))
		at++;
	return at;
}

bool
facts_want(struct facts *f, enum map map, struct slice key)
{
	if (find_wanted(f, map, key) < f->wanted_count)
		return true;
	if (f->wanted_count == WANTED_MOST)
		return false;
	struct wanted *w = &f->wanted[f->wanted_count];
	*w = (struct wanted){.map = map, .key = STR_MOST(MAP_KEY_MOST)};
	if (!str_set(&w->key, key)) {
		str_free(&w->key);
		return false;
	}
	f->wanted_count++;
	return true;
}

static void
forget_wanted_at(struct facts *f, size_t at)
{
	if (at == f->wanted_count)
		return;
	str_free(&f->wanted[at].key);
	f->wanted[at] = f->wanted[--f->wanted_count];
	f->wanting = f->wanted_count > 0;
}

static void
count_misses(struct facts *f)
{
	if (f->source->cache != NULL)
		f->source->cache->counters.misses += f->wanted_count;
}

void
facts_ask_anew(struct facts *f)
{
	size_t kept = 0;
	forget_wanted(f);
	for (size_t i = 0; i < f->count; i++) {
		struct fact *known = &f->known[i];
		if (known->from_sql) {
			f->known[kept++] = *known;
			continue;
		}
		if (f->story == NULL && f->source->sql[known->map] && known->map != MAP_PASSWORD)
			facts_want(f, known->map, str_slice(&known->key));
		forget(known);
	}
	f->count = kept;
	f->remembered = f->stale = false;
	f->anew = true;
}

static bool
make_room(struct facts *f)
{
	if (f->count < f->room)
		return true;
	size_t room = f->room == 0 ? 16 : f->room * 2;
	struct fact *known = room <= FACTS_MOST ? reallocarray(f->known, room, sizeof *known) : NULL;
	if (known == NULL)
		return false;
	f->known = known;
	f->room = room;
	return true;
}

static struct fact *
add(struct facts *f, enum map map, struct slice key)
{
	if (!make_room(f))
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

/* --- the cache ------------------------------------------------------------------------ */

bool
facts_cache_key(const struct facts *f, enum map map, struct slice key, struct str *into)
{
	str_append_slice(into, key);
	if (map == MAP_PASSWORD && f->source->by_client) {
		str_append_byte(into, COLUMN_BETWEEN);
		str_append_text(into, f->service);
		str_append_byte(into, COLUMN_BETWEEN);
		str_append_text(into, f->client);
	}
	return !into->failed;
}

static bool
cached(const struct facts *f, enum map map, struct slice key, struct cache_fact *found)
{
	if (f->source->cache == NULL)
		return false;
	if (map != MAP_PASSWORD || !f->source->by_client)
		return cache_find(f->source->cache, map, key, found);
	struct str name = STR_MOST(CACHE_KEY_MOST);
	bool known = facts_cache_key(f, map, key, &name) && cache_find(f->source->cache, map, str_slice(&name), found);
	str_free(&name);
	return known;
}

static bool
is_fresh(const struct facts *f, enum map map, const struct cache_fact *found)
{
	const struct fact_lives *lives = &f->source->lives;
	return !f->anew && map != MAP_PASSWORD && found->age_ms < (found->state == FACT_FOUND ? lives->found : lives->none);
}

static void
explain_cache(struct facts *f, struct fact *new, const struct cache_fact *found, bool fresh)
{
	char where[160];
	snprintf(where, sizeof where, "%s: remembered for %lld s%s", map_name(new->map), (long long)(found->age_ms / 1000),
	    fresh ? "" : ", the database is gone");
	facts_explain(f, where, str_slice(&new->key), new->state, str_slice(&new->value));
}

/* Takes what is remembered, when that may serve now. */
static bool
recall(struct facts *f, struct fact *new, bool gone)
{
	struct cache_fact found;
	if (!cached(f, new->map, str_slice(&new->key), &found))
		return false;
	bool fresh = !gone && is_fresh(f, new->map, &found);
	if ((!fresh && (!gone || found.age_ms >= f->source->lives.stale)) || !str_set(&new->value, found.value))
		return false;
	new->state = found.state;
	f->remembered = f->remembered || fresh;
	f->stale = f->stale || !fresh;
	struct cache_counters *counters = &f->source->cache->counters;
	counters->hits += fresh;
	counters->stale += !fresh;
	explain_cache(f, new, &found, fresh);
	return true;
}

/* Another question may have been answered since, while this one waited for further facts. */
static bool
is_worth_keeping(const struct facts *f, const struct fact *known, bool refused)
{
	struct cache_fact before;
	if (!known->from_sql)
		return false;
	if (!cached(f, known->map, str_slice(&known->key), &before))
		return !refused || known->state == FACT_FOUND;
	return before.from_file || before.age_ms >= clock_ms() - known->at;
}

void
facts_keep(const struct facts *f, bool refused)
{
	if (f->source->cache == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		const struct fact *known = &f->known[i];
		if (!is_worth_keeping(f, known, refused))
			continue;
		struct str name = STR_MOST(CACHE_KEY_MOST);
		if (facts_cache_key(f, known->map, str_slice(&known->key), &name))
			cache_note(f->source->cache, known->map, str_slice(&name), known->state, str_slice(&known->value), known->at);
		str_free(&name);
	}
}

/* --- asking and learning ------------------------------------------------------------------ */

/* The embedded users; then the cache, where SQL is asked for this map. False: SQL must be asked. */
static bool
look_here(struct facts *f, struct fact *new)
{
	struct fact_source *source = f->source;
	new->state = users_cdb_find(source->users, new->map, str_slice(&new->key), &new->value);
	if (source->users->open && (new->state != FACT_NONE || !source->sql[new->map])) {
		char where[64];
		snprintf(where, sizeof where, "%s: embedded users", map_name(new->map));
		facts_explain(f, where, str_slice(&new->key), new->state, str_slice(&new->value));
	}
	if (new->state != FACT_NONE || !source->sql[new->map])
		return true;
	return recall(f, new, false) || (source->away[new->map] && recall(f, new, true));
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
	if (look_here(f, new))
		return new;
	f->count--;
	str_free(&new->key);
	str_free(&new->value);
	/* What is only expected gives way; a password's question names the login, so it goes alone. */
	if (map == MAP_PASSWORD)
		forget_wanted(f);
	else if (f->wanted_count == WANTED_MOST && find_wanted(f, map, key) == WANTED_MOST)
		forget_wanted_at(f, 0);
	f->wanting = facts_want(f, map, key);
	if (f->wanting)
		count_misses(f);
	return f->wanting ? NULL : &trouble;
}

/* Whether SQL would have to be asked. */
static bool
must_be_fetched(const struct facts *f, enum map map, struct slice key)
{
	const struct fact_source *source = f->source;
	struct cache_fact found;
	if (!source->sql[map] || source->away[map] || find(f, map, key) != NULL)
		return false;
	return !cached(f, map, key, &found) || !is_fresh(f, map, &found);
}

void
facts_expect(struct facts *f, enum map map, struct slice key)
{
	if (f->story == NULL && key.len > 0 && must_be_fetched(f, map, key))
		facts_want(f, map, key);
}

void
facts_learn(struct facts *f, enum map map, struct slice key, enum fact_state state, struct slice value)
{
	size_t at = find_wanted(f, map, key);
	if (at == f->wanted_count)
		return;
	struct fact *new = add(f, map, key);
	forget_wanted_at(f, at);
	if (new == NULL || (state == FACT_LATER && recall(f, new, true)))
		return;
	new->state = state;
	new->from_sql = state != FACT_LATER;
	new->at = clock_ms();
	if (state == FACT_FOUND && !str_set(&new->value, value)) {
		new->state = FACT_LATER;
		new->from_sql = false;
	}
}

/* --- the story ------------------------------------------------------------------------------- */

void
facts_explain(struct facts *f, const char *where, struct slice key, enum fact_state state, struct slice value)
{
	if (f->story == NULL)
		return;
	static const char *const words[] = {[FACT_NONE] = "not there", [FACT_FOUND] = "found", [FACT_LATER] = "cannot be asked"};
	str_append_format(f->story, "%s: %.*s: %s", where, (int)(key.len < 400 ? key.len : 400), key.data, words[state]);
	/* Never a password or its hash. */
	if (state == FACT_FOUND && strncmp(where, map_name(MAP_PASSWORD), strlen(map_name(MAP_PASSWORD))) != 0)
		str_append_format(f->story, ": %.*s", (int)(value.len < 400 ? value.len : 400), value.data);
	str_append_byte(f->story, '\0');
}
