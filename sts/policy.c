#include "sts/policy.h"

#include <string.h>

#include "lib/base/number.h"

#define VERSION "STSv1"

static const char *const modes[] = {[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

const char *
sts_mode_word(enum sts_mode mode)
{
	return modes[mode];
}

static bool
read_mode(struct slice value, enum sts_mode *mode)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (slice_is(value, modes[i])) {
			*mode = (enum sts_mode)i;
			return true;
		}
	return false;
}

/* At most ten digits (section 3.2); what is above the most counts as the most. */
static bool
read_age(struct slice value, uint64_t *age)
{
	if (value.len == 0 || value.len > 10 || !number_parse(value, UINT64_MAX, age))
		return false;
	*age = *age > STS_AGE_MOST ? STS_AGE_MOST : *age;
	return true;
}

static bool
is_name(struct slice name)
{
	bool dot = true;
	for (size_t i = 0; i < name.len; i++) {
		int c = (unsigned char)name.data[i];
		if (c == '.' ? dot : !(ascii_is_alnum(c) || c == '-' || c == '_'))
			return false;
		dot = c == '.';
	}
	return !dot && name.len <= STS_DOMAIN_MOST;
}

bool
sts_is_domain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (ascii_lower((unsigned char)name.data[i]) != (unsigned char)name.data[i])
			return false;
	return is_name(name);
}

/* --- the policy ---------------------------------------------------------------------------- */

/* What has been read of a policy. */
struct reading {
	struct sts_policy *policy;
	bool               version, mode, age;
	const char        *why;
};

static bool
fail(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
add_mx(struct reading *r, struct slice value)
{
	struct slice name = slice_starts(value, "*.") ? slice_from(value, 2) : value;
	if (!is_name(name))
		return fail(r, "an mx is no name");
	if (r->policy->count == STS_MX_MOST)
		return fail(r, "it has too many mx");
	r->policy->mx[r->policy->count++] = value;
	return true;
}

static bool
read_field(struct reading *r, struct slice key, struct slice value)
{
	if (slice_is(key, "mx"))
		return add_mx(r, value);
	if (slice_is(key, "version") && !r->version) {
		r->version = true;
		return slice_is(value, VERSION) || fail(r, "its version is not " VERSION);
	}
	if (slice_is(key, "mode") && !r->mode) {
		r->mode = true;
		return read_mode(value, &r->policy->mode) || fail(r, "its mode is none that we know");
	}
	if (slice_is(key, "max_age") && !r->age) {
		r->age = true;
		return read_age(value, &r->policy->max_age) || fail(r, "its max_age is no number of seconds");
	}
	return true;
}

static bool
read_line(struct reading *r, struct slice line)
{
	if (slice_ends(line, "\r"))
		line = slice_first(line, line.len - 1);
	size_t colon = slice_find(line, ':');
	if (slice_trim(line).len == 0)
		return true;
	return colon < line.len ? read_field(r, slice_trim(slice_first(line, colon)), slice_trim(slice_from(line, colon + 1)))
				: fail(r, "a line has no colon");
}

bool
sts_policy_parse(struct slice text, struct sts_policy *p, const char **why)
{
	struct reading r = {.policy = p, .why = ""};
	struct slice line;
	bool ok = true;
	p->mode = STS_NONE;
	p->max_age = 0;
	p->count = 0;
	while (ok && slice_split(&text, '\n', &line))
		ok = read_line(&r, line);
	if (ok && !(r.version && r.mode && r.age))
		ok = fail(&r, "version, mode or max_age is missing");
	if (ok && p->mode != STS_NONE && p->count == 0)
		ok = fail(&r, "it names no mx");
	*why = r.why;
	return ok;
}

/* --- the record ------------------------------------------------------------------------------ */

static bool
is_id(struct slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_is_alnum((unsigned char)id.data[i]))
			return false;
	return id.len > 0 && id.len <= STS_ID_MOST;
}

bool
sts_record_parse(struct slice text, struct slice *id)
{
	struct slice field;
	*id = slice_of("");
	if (!slice_split(&text, ';', &field) || !slice_is(slice_trim(field), "v=" VERSION))
		return false;
	while (slice_split(&text, ';', &field)) {
		field = slice_trim(field);
		if (!slice_starts(field, "id="))
			continue;
		if (is_id(slice_from(field, 3)))
			*id = slice_from(field, 3);
		break;
	}
	return true;
}
