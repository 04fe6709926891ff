/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA: RFC 9208. There are two roots: what the
 * user may hold, and, where the administrator has said so, what his domain may
 * hold with him. Limits are the administrator's: SETQUOTA is refused, QUOTASET
 * is not advertised.
 */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/namespace.h"
#include "lib/mail/imap_reply.h"

struct root {
	const char *name;
	/* What may be held and what is. False: there is no such limit, or it is not known now. */
	bool (*read)(struct session *s, struct quota_amount *limits, struct quota_amount *used);
};

static bool
read_user(struct session *s, struct quota_amount *limits, struct quota_amount *used)
{
	struct quota *q = &s->account.quota;
	if (!quota_counts(q) || !quota_read(q))
		return false;
	*limits = q->file.limits;
	*used = q->file.used;
	return true;
}

static bool
read_domain(struct session *s, struct quota_amount *limits, struct quota_amount *used)
{
	return quota_held_read(&s->account.domain, limits, used);
}

static const struct root roots[] = {{"User quota", read_user}, {"Domain quota", read_domain}};

#define ROOTS (sizeof roots / sizeof *roots)

struct reading {
	bool                there[ROOTS];
	struct quota_amount limits[ROOTS], used[ROOTS];
};

static struct reading
read_roots(struct session *s)
{
	struct reading r = {.there = {false}};
	for (size_t i = 0; i < ROOTS; i++)
		r.there[i] = roots[i].read(s, &r.limits[i], &r.used[i]) && (r.limits[i].bytes > 0 || r.limits[i].messages > 0);
	return r;
}

/* Section 5.1: in units of 1024 octets, of which a begun one is one. */
static unsigned long long
kilobytes(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 > 0);
}

static void
tell_quota(struct session *s, const char *name, struct quota_amount used, struct quota_amount limits)
{
	const char *separator = "";
	output_format(&s->out, "* QUOTA \"%s\" (", name);
	if (limits.bytes > 0) {
		output_format(&s->out, "STORAGE %llu %llu", kilobytes(used.bytes), kilobytes(limits.bytes));
		separator = " ";
	}
	if (limits.messages > 0)
		output_format(&s->out, "%sMESSAGE %llu %llu", separator, (unsigned long long)used.messages, (unsigned long long)limits.messages);
	output_text(&s->out, ")\r\n");
}

struct answer
cmd_getquota(struct session *s, struct parser *p)
{
	struct slice name;
	if (!parse_space(p) || !parse_astring(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	struct reading r = read_roots(s);
	for (size_t i = 0; i < ROOTS; i++)
		if (r.there[i] && slice_is(name, roots[i].name)) {
			tell_quota(s, roots[i].name, r.used[i], r.limits[i]);
			return answer_ok("done");
		}
	return answer_no("NONEXISTENT", "there is no such quota root");
}

/* "* QUOTAROOT folder root root", and each root's state. A folder that is not counted has none. */
struct answer
cmd_getquotaroot(struct session *s, struct parser *p)
{
	struct slice name;
	if (!parse_space(p) || !namespace_take(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	struct slice folder = namespace_inward(name);
	errno = ENOENT;
	if (!folders_exists(&s->maildir, folder))
		return answer_errno("look at the quota");
	struct reading r = read_roots(s);
	bool counts = quota_rules_count(s->account.quota.rules, folder);
	output_text(&s->out, "* QUOTAROOT ");
	namespace_write(&s->out, s->dialect.utf8, name);
	for (size_t i = 0; i < ROOTS && counts; i++)
		if (r.there[i])
			output_format(&s->out, " \"%s\"", roots[i].name);
	output_text(&s->out, "\r\n");
	for (size_t i = 0; i < ROOTS && counts; i++)
		if (r.there[i])
			tell_quota(s, roots[i].name, r.used[i], r.limits[i]);
	return answer_ok("done");
}

/* "(STORAGE 512 MESSAGE 10)" */
static bool
parse_limits(struct parser *p)
{
	struct slice resource;
	uint64_t limit;
	if (!parse_byte(p, '('))
		return false;
	if (parse_maybe(p, ')'))
		return true;
	do {
		if (!parse_atom(p, &resource) || !parse_space(p) || !parse_number(p, INT64_MAX, &limit))
			return false;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

struct answer
cmd_setquota(struct session *s, struct parser *p)
{
	struct slice name;
	(void)s;
	if (!parse_space(p) || !parse_astring(p, &name) || !parse_space(p) || !parse_limits(p) || !parse_end(p))
		return answer_bad(p->error);
	return answer_no("NOPERM", "limits are the administrator's to say");
}
