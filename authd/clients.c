#include "authd/clients.h"

#include <string.h>

#include "lib/base/networks.h"

#define MINUTE (60 * 1000 * INT64_C(1000)) /* us */
#define KEY_MOST 600 /* of service and address, or of a login; a longer one is cut */

static const char *const names[CLIENT_KINDS] = {"connections", "messages", "recipients", "tls", "auth"};

static const char *const client_reasons[CLIENT_KINDS] = {
	"too many new connections from this address", "too many messages from this address",
	"too many recipients from this address", "too many TLS sessions from this address",
	"too many tries to log in from this address"};

enum client_kind
client_kind_of(const char *name)
{
	for (enum client_kind k = CLIENT_MESSAGES; k < CLIENT_KINDS; k++)
		if (strcmp(name, names[k]) == 0)
			return k;
	return CLIENT_KINDS;
}

const char *
client_kind_name(enum client_kind kind)
{
	return names[kind];
}

static bool
check_networks(const char *networks, struct str *problem)
{
	struct ip nobody = {.len = 0};
	struct slice entry;
	if (networks_hold(slice_of(networks), &nobody, &entry) != NETWORKS_WRONG)
		return true;
	str_append_text(problem, "\"");
	str_append_slice(problem, entry);
	str_append_text(problem, "\": " NETWORKS_HINT);
	return false;
}

bool
clients_begin(struct clients *c, const struct clients_options *options, struct str *problem)
{
	c->options = *options;
	c->key = siphash_key_new();
	return check_networks(options->exempt, problem) && check_networks(options->permitted, problem);
}

/* --- places -------------------------------------------------------------------------- */

/* A client's key is his service, a NUL and the address; a login's begins with the NUL. */
static uint64_t
hash_of(const struct clients *c, struct slice service, struct slice name)
{
	char key[KEY_MOST];
	size_t first = service.len < 64 ? service.len : 64, room = sizeof key - first - 1;
	size_t second = name.len < room ? name.len : room;
	memcpy(key, service.len > 0 ? service.data : "", first);
	key[first] = '\0';
	memcpy(key + first + 1, name.len > 0 ? name.data : "", second);
	return siphash(&c->key, slice_make(key, first + 1 + second)) | 1;
}

static int64_t
latest(const struct client_place *p)
{
	int64_t when = 0;
	for (size_t k = 0; k < CLIENT_KINDS; k++)
		when = p->full[k] > when ? p->full[k] : when;
	return when;
}

/* A place for the hash; NULL: all of its set are connected. */
static struct client_place *
place_of(struct clients *c, uint64_t hash)
{
	struct client_place *set = c->places[(hash >> 1) % CLIENTS_SETS], *victim = NULL;
	for (size_t i = 0; i < CLIENTS_WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	for (size_t i = 0; i < CLIENTS_WAYS; i++)
		if (set[i].open == 0 && (victim == NULL || latest(&set[i]) < latest(victim)))
			victim = &set[i];
	if (victim != NULL)
		*victim = (struct client_place){.hash = hash};
	return victim;
}

/* --- rates --------------------------------------------------------------------------- */

/* When all of it would have drained, were `count` more added. */
static int64_t
full_after(const struct client_place *p, enum client_kind kind, uint64_t count, uint64_t limit, int64_t now)
{
	int64_t from = p->full[kind] > now ? p->full[kind] : now;
	return from + (int64_t)count * (MINUTE / (int64_t)limit);
}

static bool
fits(const struct client_place *p, enum client_kind kind, uint64_t count, uint64_t limit, int64_t now)
{
	if (p == NULL || limit == 0)
		return true;
	return count <= limit && full_after(p, kind, count, limit, now) <= now + MINUTE;
}

static void
note(struct client_place *p, enum client_kind kind, uint64_t count, uint64_t limit, int64_t now)
{
	if (p != NULL && limit > 0)
		p->full[kind] = full_after(p, kind, count, limit, now);
}

/* --- connections --------------------------------------------------------------------- */

static bool
is_exempt(const struct clients *c, const struct ip *ip)
{
	struct slice entry;
	return networks_hold(slice_of(c->options.exempt), ip, &entry) == NETWORKS_YES ||
	    networks_hold(slice_of(c->options.permitted), ip, &entry) == NETWORKS_YES;
}

const char *
clients_enter(struct clients *c, struct slice service, struct slice address, int64_t now_ms, struct client_lease *lease)
{
	struct ip ip;
	int64_t now = now_ms * 1000;
	uint64_t rate = c->options.rates[CLIENT_CONNECTIONS];
	lease->place = NULL;
	if (!ip_parse(&ip, address) || is_exempt(c, &ip))
		return NULL;
	struct slice bytes = slice_make((const char *)ip.bytes, ip.len == 16 ? 8 : ip.len);
	struct client_place *p = place_of(c, hash_of(c, service, bytes));
	if (p == NULL)
		return NULL;
	if (c->options.connections > 0 && p->open >= c->options.connections)
		return "too many connections at a time from this address";
	if (!fits(p, CLIENT_CONNECTIONS, 1, rate, now))
		return client_reasons[CLIENT_CONNECTIONS];
	note(p, CLIENT_CONNECTIONS, 1, rate, now);
	p->open++;
	lease->place = p;
	return NULL;
}

void
clients_leave(struct client_lease *lease)
{
	if (lease->place != NULL)
		lease->place->open--;
	lease->place = NULL;
}

bool
clients_counts(const struct clients *c, const struct client_lease *lease, enum client_kind kind)
{
	return c->options.user_rates[kind] > 0 || (lease->place != NULL && c->options.rates[kind] > 0);
}

const char *
clients_do(
    struct clients *c, const struct client_lease *lease, enum client_kind kind, uint64_t count, struct slice login, int64_t now_ms)
{
	int64_t now = now_ms * 1000;
	uint64_t limit = c->options.rates[kind], user_limit = login.len > 0 ? c->options.user_rates[kind] : 0;
	if (!fits(lease->place, kind, count, limit, now))
		return client_reasons[kind];
	struct client_place *user = user_limit > 0 ? place_of(c, hash_of(c, slice_of(""), login)) : NULL;
	if (!fits(user, kind, count, user_limit, now))
		return kind == CLIENT_MESSAGES ? "too many messages of this login" : "too many recipients of this login";
	note(lease->place, kind, count, limit, now);
	note(user, kind, count, user_limit, now);
	return NULL;
}
