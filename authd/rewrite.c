#include "authd/rewrite.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define DAY 86400

/* The files with their secrets; NULL: nothing is rewritten here. */
static const struct address_files *
scheme(const struct resolution *r)
{
	const struct address_files *f = r->options->files;
	return f != NULL && f->srs_domain[0] != '\0' ? f : NULL;
}

static enum verdict
no_secret(struct resolution *r)
{
	r->why = "the file of the setting srs_secret could not be read";
	return VERDICT_LATER;
}

static enum verdict
is_ours(struct resolution *r, const struct parts *p)
{
	struct slice value, domain = parts_domain(p);
	if (slice_is_nocase(domain, r->options->files->srs_domain) || classify_is_local_domain(r, domain))
		return VERDICT_OK;
	return ask(r, MAP_DOMAIN, domain, &value);
}

enum verdict
resolve_forward(struct resolution *r)
{
	const struct address_files *f = scheme(r);
	const struct parts *p = &r->parts;
	if (f == NULL || parts_domain(p).len == 0)
		return VERDICT_NO;
	enum verdict v = is_ours(r, p);
	if (v != VERDICT_NO)
		return v == VERDICT_OK ? VERDICT_NO : v;
	if (!f->srs_file.ready)
		return no_secret(r);
	if (srs_forward(&r->fields, &f->secrets, str_slice(&p->written), f->srs_domain, clock_unix() / DAY) != SRS_OK) {
		log_warning("sender-not-rewritten", log_slice("sender", str_slice(&p->written)), log_text("reason", "its local part is empty, or the address would be too long"));
		str_clear(&r->fields);
		return VERDICT_NO;
	}
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}

enum verdict
find_rewritten(struct resolution *r, const struct parts *p, struct finding *found)
{
	const struct address_files *f = scheme(r);
	if (f == NULL || !slice_is_nocase(parts_domain(p), f->srs_domain) || !srs_is_local(parts_local(p)))
		return VERDICT_NO;
	if (!f->srs_file.ready)
		return no_secret(r);
	str_clear(&r->original);
	enum srs_result result = srs_reverse(&r->original, &f->secrets, parts_local(p), clock_unix() / DAY);
	bool ok = result == SRS_OK;
	*found = (struct finding){.class = ok ? CLASS_RETURN : CLASS_UNKNOWN, .value = str_slice(&r->original), .user = slice_of("")};
	facts_explain(&r->facts, result == SRS_EXPIRED ? "rewritten sender, expired" : "rewritten sender", str_slice(&p->written),
	    ok ? FACT_FOUND : FACT_NONE, found->value);
	if (!ok)
		r->why = result == SRS_EXPIRED ? "the rewritten address is older than 21 days" : "the rewritten address is not one that we have made";
	return VERDICT_OK;
}
