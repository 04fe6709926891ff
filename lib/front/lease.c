#include "lib/front/lease.h"

#include <string.h>

#include "lib/base/log.h"

static const char *const kinds[LEASE_KINDS] = {"messages", "recipients", "tls", "auth"};

enum said { SAID_OK, SAID_NO, SAID_NOTHING };

static enum said
ask(struct neighbour *authd, struct packet *p, const char *question, const struct peer *peer)
{
	const char *status = neighbour_ask(authd, p, LEASE_PATIENCE);
	if (status == NULL)
		return SAID_NOTHING;
	if (strcmp(status, "ok") == 0)
		return SAID_OK;
	bool no = strcmp(status, "no") == 0;
	const char *why = packet_field(p);
	log_info(no ? "over-limit" : "not-counted", log_text("client", peer->text), log_text("question", question),
	    log_text("reason", why != NULL ? why : ""));
	return no ? SAID_NO : SAID_NOTHING;
}

/* Behind "ok T": the kinds that have a rate. */
static void
take_kinds(struct lease *l, struct packet *p)
{
	for (const char *name; (name = packet_field(p)) != NULL;)
		for (size_t i = 0; i < LEASE_KINDS; i++)
			l->limited[i] = l->limited[i] || strcmp(name, kinds[i]) == 0;
}

bool
lease_take(struct lease *l, struct neighbour *authd, struct packet *p, const char *service, const struct peer *peer)
{
	*l = (struct lease){.limited = {false}};
	if (authd->socket < 0)
		return true;
	neighbour_begin(authd, p, "client");
	packet_add_text(p, service);
	packet_add_text(p, peer->text);
	enum said said = ask(authd, p, "client", peer);
	if (said == SAID_OK)
		take_kinds(l, p);
	return said != SAID_NO;
}

bool
lease_allows(const struct lease *l, struct neighbour *authd, struct packet *p, enum lease_kind kind, const char *login,
    const struct peer *peer)
{
	if (!l->limited[kind] || authd->socket < 0)
		return true;
	neighbour_begin(authd, p, "rate");
	packet_add_text(p, kinds[kind]);
	packet_add_number(p, 1);
	packet_add_text(p, login);
	return ask(authd, p, kinds[kind], peer) != SAID_NO;
}
