#include "authd/transport.h"

#include "authd/classify.h"

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

enum verdict
find_own_transport(struct resolution *r, const struct parts *p, struct slice *transport)
{
	enum verdict v = ask(r, MAP_TRANSPORT, str_slice(&p->full), transport);
	if (v == VERDICT_NO)
		v = ask(r, MAP_TRANSPORT, str_slice(&p->base), transport);
	return v == VERDICT_NO ? ask(r, MAP_TRANSPORT, parts_domain(p), transport) : v;
}

enum verdict
find_transport(struct resolution *r, const struct parts *p, struct slice *transport)
{
	enum verdict v = find_own_transport(r, p, transport);
	if (v == VERDICT_NO)
		v = find_parents(r, parts_domain(p), transport);
	return v == VERDICT_NO ? ask(r, MAP_TRANSPORT, slice_of("*"), transport) : v;
}
