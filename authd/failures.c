#include "authd/failures.h"

#include <string.h>

#include "lib/base/log.h"
#include "lib/base/networks.h"

#define WHOLE 1000 /* a failure, in levels */

bool
failures_begin(struct failures *f, const struct failures_options *options, struct str *problem)
{
	struct ip nobody = {.len = 0};
	struct slice entry;
	f->options = *options;
	f->key = siphash_key_new();
	if (networks_hold(slice_of(options->exempt), &nobody, &entry) != NETWORKS_WRONG)
		return true;
	str_append_text(problem, "\"");
	str_append_slice(problem, entry);
	str_append_text(problem, "\": " NETWORKS_HINT);
	return false;
}

/* --- keys --------------------------------------------------------------------------- */

static uint64_t
hash_of(const struct failures *f, struct slice bytes)
{
	return bytes.len > 0 ? siphash(&f->key, bytes) | 1 : 0;
}

/* 0: neither counted nor refused. */
static uint64_t
client_of(const struct failures *f, struct slice client)
{
	struct ip ip;
	struct slice entry;
	if (!ip_parse(&ip, client) || networks_hold(slice_of(f->options.exempt), &ip, &entry) == NETWORKS_YES)
		return 0;
	return hash_of(f, slice_make((const char *)ip.bytes, ip.len == 16 ? 8 : ip.len));
}

static uint32_t
short_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

static size_t
set_of(uint64_t hash)
{
	return (size_t)(hash >> 1) % FAILURES_SETS;
}

/* --- levels ------------------------------------------------------------------------- */

static void
lower(uint32_t *level, uint64_t by)
{
	*level = by < *level ? *level - (uint32_t)by : 0;
}

/* What has drained since `when`, which moves on by the time that this took: nothing is lost by rounding. */
static uint32_t
drained(struct failures_count *c, uint64_t limit, uint64_t window, int64_t now)
{
	if (now - c->when >= (int64_t)window * 2000) {
		c->when = now;
		return UINT32_MAX;
	}
	if (now <= c->when)
		return 0;
	uint64_t by = (uint64_t)(now - c->when) * limit / window;
	c->when += (int64_t)(by * window / limit);
	return (uint32_t)by;
}

static uint32_t
drain(struct failures_count *c, uint64_t limit, uint64_t window, int64_t now)
{
	uint32_t by = drained(c, limit, window, now);
	lower(&c->level, by);
	if (c->level <= limit * WHOLE / 2)
		c->refused = false;
	return by;
}

/* True: a refusal begins. A level stops at one and a half times the limit: a flood is refused for one window, not for days. */
static bool
raise(struct failures_count *c, uint64_t limit, uint32_t by)
{
	uint64_t most = limit * WHOLE + limit * WHOLE / 2;
	uint64_t level = (uint64_t)c->level + by;
	bool was = c->refused;
	c->level = (uint32_t)(level < most ? level : most);
	c->refused = was || c->level >= limit * WHOLE;
	return c->refused && !was;
}

static int64_t
delay_of(uint32_t level)
{
	uint32_t failures = (level + WHOLE / 2) / WHOLE; /* what has drained since is not to make it one less */
	if (failures <= FAILURES_FREE)
		return 0;
	uint32_t doublings = failures - FAILURES_FREE - 1;
	int64_t delay = doublings < 10 ? INT64_C(1000) << doublings : FAILURES_DELAY_MOST;
	return delay < FAILURES_DELAY_MOST ? delay : FAILURES_DELAY_MOST;
}

/* --- tables -------------------------------------------------------------------------- */

static struct failures_count *
find(struct failures_table *t, uint64_t hash)
{
	struct failures_count *set = t->places[set_of(hash)];
	for (size_t i = 0; i < FAILURES_WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

static uint32_t
level_at(struct failures_count copy, uint64_t limit, uint64_t window, int64_t now)
{
	drain(&copy, limit, window, now);
	return copy.level;
}

/* A new place for a hash that has none: the lowest level gives way, of equals the oldest. */
static struct failures_count *
place(struct failures_table *t, uint64_t hash, uint64_t limit, uint64_t window, int64_t now)
{
	struct failures_count *set = t->places[set_of(hash)], *victim = set;
	uint32_t least = level_at(*victim, limit, window, now);
	for (size_t i = 1; i < FAILURES_WAYS; i++) {
		uint32_t level = level_at(set[i], limit, window, now);
		if (level > least || (level == least && set[i].when >= victim->when))
			continue;
		victim = &set[i];
		least = level;
	}
	*victim = (struct failures_count){.hash = hash, .when = now};
	return victim;
}

static struct failures_slot *
slots_of(struct failures *f, const struct failures_count *client)
{
	size_t at = (size_t)(client - &f->clients.places[0][0]);
	return f->slots[at / FAILURES_WAYS][at % FAILURES_WAYS];
}

/* --- the address --------------------------------------------------------------------- */

/* A slot drains as fast as the whole: it never holds more than is left of it. */
static void
drain_client(struct failures *f, struct failures_count *c, int64_t now)
{
	uint32_t by = drain(c, f->options.per_address, f->options.window, now);
	struct failures_slot *slots = slots_of(f, c);
	for (size_t i = 0; i < FAILURES_SLOTS; i++)
		lower(&slots[i].level, by);
}

/* What the tables know of the address; NULL: nothing, or it is not counted. */
static struct failures_count *
find_client(struct failures *f, uint64_t client, int64_t now)
{
	if (client == 0 || f->options.per_address == 0)
		return NULL;
	struct failures_count *c = find(&f->clients, client);
	if (c != NULL)
		drain_client(f, c, now);
	return c;
}

static struct failures_slot *
find_slot(struct failures *f, const struct failures_count *c, uint64_t account)
{
	struct failures_slot *slots = slots_of(f, c);
	for (size_t i = 0; i < FAILURES_SLOTS; i++)
		if (slots[i].account == short_of(account))
			return &slots[i];
	return NULL;
}

/* The slot of the account; a new one takes the place of the lowest, whose failures stay in the address's level. */
static struct failures_slot *
take_slot(struct failures *f, const struct failures_count *c, uint64_t account)
{
	struct failures_slot *slots = slots_of(f, c), *slot = find_slot(f, c, account);
	if (slot != NULL)
		return slot;
	slot = slots;
	for (size_t i = 1; i < FAILURES_SLOTS; i++)
		if (slots[i].level < slot->level)
			slot = &slots[i];
	*slot = (struct failures_slot){.account = short_of(account)};
	return slot;
}

static struct failures_count *
take_client(struct failures *f, uint64_t client, int64_t now)
{
	struct failures_count *c = find_client(f, client, now);
	if (c != NULL)
		return c;
	c = place(&f->clients, client, f->options.per_address, f->options.window, now);
	memset(slots_of(f, c), 0, sizeof f->slots[0][0]);
	return c;
}

static uint32_t
weigh(const struct failures *f, struct failures_slot *slot, struct slice password_tag)
{
	uint32_t tried = password_tag.len > 0 ? short_of(hash_of(f, password_tag)) : 0;
	bool again = tried != 0 && slot->tried == tried;
	slot->tried = tried;
	return again ? WHOLE / FAILURES_REPEAT_PART : WHOLE;
}

static bool
raise_client(struct failures *f, struct failures_count *c, struct failures_slot *slot, uint32_t weight)
{
	uint32_t before = c->level;
	bool begins = raise(c, f->options.per_address, weight);
	if (slot != NULL)
		slot->level += c->level - before;
	return begins;
}

/* What the failure counts. */
static uint32_t
note_client(struct failures *f, struct slice name, uint64_t client, uint64_t account, struct slice password_tag,
    int64_t now)
{
	if (client == 0 || f->options.per_address == 0)
		return WHOLE;
	struct failures_count *c = take_client(f, client, now);
	struct failures_slot *slot = account != 0 ? take_slot(f, c, account) : NULL;
	uint32_t weight = slot != NULL ? weigh(f, slot, password_tag) : WHOLE;
	if (raise_client(f, c, slot, weight))
		log_warning("client-refused", log_slice("client", name), log_number("failures", c->level / WHOLE),
		    log_text("hint", "too many failed logins from there, refused for a while; the settings failures_per_address, "
		                     "failures_window and failures_exempt"));
	return weight;
}

/* --- the account --------------------------------------------------------------------- */

static struct failures_count *
find_account(struct failures *f, uint64_t account, int64_t now)
{
	if (account == 0 || f->options.per_account == 0)
		return NULL;
	struct failures_count *a = find(&f->accounts, account);
	if (a != NULL)
		drain(a, f->options.per_account, f->options.window, now);
	return a;
}

static void
note_account(struct failures *f, struct slice name, uint64_t account, uint32_t weight, int64_t now)
{
	if (account == 0 || f->options.per_account == 0)
		return;
	struct failures_count *a = find_account(f, account, now);
	if (a == NULL)
		a = place(&f->accounts, account, f->options.per_account, f->options.window, now);
	if (raise(a, f->options.per_account, weight))
		log_warning("account-attacked", log_slice("user", name), log_number("failures", a->level / WHOLE),
		    log_text("hint", "for a while only addresses that it logged in from before may try; the settings "
		                     "failures_per_account and failures_window"));
}

/* --- where an account succeeded from --------------------------------------------------- */

static uint32_t
seconds(int64_t now)
{
	return (uint32_t)(now / 1000) + 1;
}

static struct failures_known *
find_known(struct failures *f, uint64_t account)
{
	struct failures_known *set = f->known[set_of(account)];
	for (size_t i = 0; i < FAILURES_WAYS; i++)
		if (set[i].hash == account)
			return &set[i];
	return NULL;
}

static bool
is_known(struct failures *f, uint64_t account, uint64_t client, int64_t now)
{
	struct failures_known *k = account != 0 && client != 0 ? find_known(f, account) : NULL;
	for (size_t i = 0; k != NULL && i < FAILURES_KNOWN_MOST; i++)
		if (k->addresses[i].when != 0 && k->addresses[i].client == short_of(client))
			return seconds(now) - k->addresses[i].when <= FAILURES_KNOWN_DAYS * 24 * 3600;
	return false;
}

static uint32_t
last_success(const struct failures_known *k)
{
	uint32_t last = 0;
	for (size_t i = 0; i < FAILURES_KNOWN_MOST; i++)
		if (k->addresses[i].when > last)
			last = k->addresses[i].when;
	return last;
}

/* The account's place, or that of the one that has not logged in for the longest time. */
static struct failures_known *
take_known(struct failures *f, uint64_t account)
{
	struct failures_known *set = f->known[set_of(account)], *k = find_known(f, account);
	if (k != NULL)
		return k;
	k = set;
	for (size_t i = 1; i < FAILURES_WAYS; i++)
		if (last_success(&set[i]) < last_success(k))
			k = &set[i];
	*k = (struct failures_known){.hash = account};
	return k;
}

static void
remember(struct failures *f, uint64_t account, uint64_t client, int64_t now)
{
	struct failures_known *k = take_known(f, account);
	size_t at = 0;
	for (size_t i = 0; i < FAILURES_KNOWN_MOST; i++) {
		if (k->addresses[i].when != 0 && k->addresses[i].client == short_of(client)) {
			at = i;
			break;
		}
		if (k->addresses[i].when < k->addresses[at].when)
			at = i;
	}
	k->addresses[at].client = short_of(client);
	k->addresses[at].when = seconds(now);
}

/* --- answers ----------------------------------------------------------------------------- */

static struct failures_answer
judge(struct failures *f, uint64_t client, uint64_t account, int64_t now)
{
	const struct failures_count *c = find_client(f, client, now), *a = find_account(f, account, now);
	bool known = is_known(f, account, client, now);
	struct failures_answer answer = {.why = ""};
	if (c != NULL && c->refused)
		answer.why = "too many failed logins from this address";
	else if (a != NULL && a->refused && client != 0 && !known)
		answer.why = "too many failed logins of this account";
	answer.refuse = answer.why[0] != '\0';
	int64_t delay = a != NULL && !known ? delay_of(a->level) : 0;
	answer.delay_ms = c != NULL && delay_of(c->level) > delay ? delay_of(c->level) : delay;
	return answer;
}

struct failures_answer
failures_before(struct failures *f, struct slice client, struct slice account, int64_t now)
{
	struct failures_answer answer = judge(f, client_of(f, client), hash_of(f, account), now);
	answer.delay_ms = 0;
	return answer;
}

struct failures_answer
failures_note(struct failures *f, struct slice client, struct slice account, struct slice password_tag, int64_t now)
{
	uint64_t c = client_of(f, client), a = hash_of(f, account);
	uint32_t weight = note_client(f, client, c, a, password_tag, now);
	note_account(f, account, a, weight, now);
	return judge(f, c, a, now);
}

void
failures_succeeded(struct failures *f, struct slice client, struct slice account, int64_t now)
{
	uint64_t c = client_of(f, client), a = hash_of(f, account);
	if (c == 0 || a == 0)
		return;
	remember(f, a, c, now);
	struct failures_count *at_client = find_client(f, c, now), *at_account = find_account(f, a, now);
	struct failures_slot *slot = at_client != NULL ? find_slot(f, at_client, a) : NULL;
	if (slot == NULL)
		return;
	lower(&at_client->level, slot->level);
	if (at_account != NULL)
		lower(&at_account->level, slot->level);
	*slot = (struct failures_slot){.account = 0};
}
