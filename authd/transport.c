#include "authd/transport.h"

#include "authd/classify.h"
#include "lib/base/log.h"
#include "lib/mail/transport.h"

/* ".example.org" stands for all that is beneath example.org. */
static enum verdict
find_parents(struct resolution *r, struct slice domain, struct slice *transport)
{
	enum verdict v = VERDICT_NO;
	while (v == VERDICT_NO && (domain = parts_parent(domain)).len > 0)
		/* The dot before it stands in the same text. */
		v = ask(r, MAP_TRANSPORT, slice_make(domain.data - 1, domain.len + 1), transport);
	return v;
}

/* Most addresses have none of these: one way to the database for all. */
static void
expect_all(struct resolution *r, const struct parts *p)
{
	struct slice domain = parts_domain(p);
	facts_expect(&r->facts, MAP_TRANSPORT, str_slice(&p->full));
	facts_expect(&r->facts, MAP_TRANSPORT, str_slice(&p->base));
	facts_expect(&r->facts, MAP_TRANSPORT, domain);
	while ((domain = parts_parent(domain)).len > 0)
		facts_expect(&r->facts, MAP_TRANSPORT, slice_make(domain.data - 1, domain.len + 1));
}

static enum verdict
find_as_written(struct resolution *r, enum map map, const struct parts *p, struct slice *transport)
{
	expect_all(r, p);
	enum verdict v = ask(r, map, str_slice(&p->full), transport);
	if (v == VERDICT_NO)
		v = ask(r, map, str_slice(&p->base), transport);
	if (v == VERDICT_NO)
		v = ask(r, map, parts_domain(p), transport);
	return v == VERDICT_NO ? find_parents(r, parts_domain(p), transport) : v;
}

enum verdict
find_own_transport(struct resolution *r, const struct parts *p, struct slice *transport)
{
	return ask_in_forms(r, MAP_TRANSPORT, p, find_as_written, transport);
}

enum verdict
find_transport(struct resolution *r, const struct parts *p, struct slice *transport)
{
	enum verdict v = find_own_transport(r, p, transport);
	return v == VERDICT_NO ? ask(r, MAP_TRANSPORT, slice_of("*"), transport) : v;
}

/* --- the sender's relay host ----------------------------------------------------------- */

enum verdict
find_sender_relay(struct resolution *r, const struct parts *sender, struct slice *hop)
{
	enum verdict v = sender->full.len == 0 ? ask(r, MAP_SENDER_RELAY, slice_of("<>"), hop) : ask_address(r, MAP_SENDER_RELAY, sender, hop);
	return v == VERDICT_OK && slice_is_nocase(*hop, "DUNNO") ? VERDICT_NO : v;
}

static enum verdict
refuse(struct resolution *r, struct slice wrong, const char *why)
{
	r->why = why;
	log_error("transport-wrong", log_slice("address", str_slice(&r->parts.written)), log_slice("transport", wrong), log_text("hint", why));
	return VERDICT_LATER;
}

/* The hop belongs to the facts, so the sender's parts need not outlive this. */
static enum verdict
put_sender_relay(struct resolution *r)
{
	struct parts sender;
	struct slice hop;
	enum verdict v = VERDICT_LATER;
	if (parts_take(&sender, str_slice(&r->login), r->options->recipient_delimiter))
		v = find_sender_relay(r, &sender, &hop);
	parts_free(&sender);
	if (v != VERDICT_OK)
		return v;
	hop = slice_trim(hop);
	if (!transport_is_hop(hop))
		return refuse(r, hop, "a sender's relay host must be HOST, [HOST] or either with :PORT");
	transport_print(&r->fields, slice_of("smtp:"));
	str_append_slice(&r->fields, hop);
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}

enum verdict
resolve_transport(struct resolution *r)
{
	struct slice transport;
	enum verdict v = find_transport(r, &r->parts, &transport);
	if (v != VERDICT_OK && v != VERDICT_NO)
		return v;
	enum transport_kind kind = v == VERDICT_NO ? TRANSPORT_DEFAULT : transport_kind(transport);
	if (kind == TRANSPORT_DEFAULT)
		return r->kind == INQUIRY_WAY ? put_sender_relay(r) : VERDICT_NO;
	if (kind == TRANSPORT_WRONG)
		return refuse(r, transport, "a transport must be like smtp:[HOST]:PORT or lmtp:unix:/PATH");
	str_append_slice(&r->fields, transport);
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}
