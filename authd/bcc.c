#include "authd/bcc.h"

#include "authd/classify.h"
#include "authd/targets.h"

enum verdict
resolve_bcc(struct resolution *r, enum map map)
{
	const struct parts *p = &r->parts;
	struct slice value;
	enum verdict v = ask_address(r, map, p, &value);
	return v == VERDICT_OK ? targets_put(r, p, value, slice_of("")) : v;
}
