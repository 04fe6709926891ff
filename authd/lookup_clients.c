/* The requests `client` and `rate` of authd/lookup: its connection is the lease. */
#include <string.h>

#include "authd/lookup.h"
#include "authd/maps.h"
#include "lib/base/clock.h"
#include "lib/mail/address.h"

#define SERVICE_MOST 32

static struct packet answer;

static struct clients *
clients_of(struct connection *c)
{
	return ((struct lookup_service *)c->service)->clients;
}

static struct client_lease *
lease_of(struct connection *c)
{
	return &((struct lookup_connection *)c)->lease;
}

static void
refuse(struct connection *c, const char *tag, const char *why)
{
	packet_begin(&answer, "no");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, why);
	connection_send(c, &answer);
}

/* With the kinds that need asking, so that the front need not ask in vain. */
static void
admit(struct connection *c, const char *tag)
{
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	for (enum client_kind kind = CLIENT_MESSAGES; kind < CLIENT_KINDS; kind++)
		if (clients_counts(clients_of(c), lease_of(c), kind))
			packet_add_text(&answer, client_kind_name(kind));
	connection_send(c, &answer);
}

bool
lookup_client(struct connection *c, const char *tag, struct packet *p)
{
	const char *service = packet_field(p), *address = packet_field(p);
	if (!lookup_is_front(c) || address == NULL || strlen(service) > SERVICE_MOST || packet_rest(p).len > 0)
		return false;
	clients_leave(lease_of(c));
	const char *why = clients_enter(clients_of(c), slice_of(service), slice_of(address), clock_ms(), lease_of(c));
	if (why != NULL)
		refuse(c, tag, why);
	else
		admit(c, tag);
	return true;
}

bool
lookup_rate(struct connection *c, const char *tag, struct packet *p)
{
	struct str folded = STR_MOST(MAP_KEY_MOST);
	uint64_t count;
	const char *kind = packet_field(p);
	if (!lookup_is_front(c) || kind == NULL || client_kind_of(kind) == CLIENT_KINDS ||
	    !packet_field_number(p, CLIENTS_LIMIT_MOST, &count))
		return false;
	const char *login = packet_field(p);
	if (packet_rest(p).len > 0)
		return false;
	address_append_lower(&folded, slice_of(login));
	const char *why = clients_do(clients_of(c), lease_of(c), client_kind_of(kind), count, str_slice(&folded), clock_ms());
	str_free(&folded);
	if (why != NULL) {
		refuse(c, tag, why);
		return true;
	}
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	connection_send(c, &answer);
	return true;
}

void
lookup_client_gone(struct connection *c)
{
	clients_leave(lease_of(c));
}
