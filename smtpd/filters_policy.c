/* What policy servers are asked, and what their actions mean here. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "smtpd/filters_state.h"
#include "smtpd/intake.h"

static const char *
state_name(enum filter_time when)
{
	static const char *const names[] = {"RCPT", "DATA", "END-OF-MESSAGE"};
	return names[when];
}

static void
add_number(struct policy *p, const char *name, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	policy_add(p, name, slice_of(text));
}

static void
add_client(const struct session *s, struct policy *p)
{
	const char *name = s->peer.name[0] != '\0' ? s->peer.name : "unknown";
	policy_add(p, "client_address", slice_of(s->peer.text));
	policy_add(p, "client_name", slice_of(name));
	policy_add(p, "reverse_client_name", slice_of(name));
	add_number(p, "client_port", s->peer.port);
	policy_add(p, "server_address", slice_of(s->peer.local));
	policy_add(p, "helo_name", slice_of(s->helo));
}

static void
add_trust(const struct session *s, struct policy *p)
{
	policy_add(p, "sasl_method", slice_of(session_logged_in(s) ? s->mechanism : ""));
	policy_add(p, "sasl_username", slice_of(s->login_name));
	policy_add(p, "sasl_sender", slice_of(""));
	policy_add(p, "encryption_protocol", slice_of(s->encrypted ? s->tls.version : ""));
	policy_add(p, "encryption_cipher", slice_of(s->encrypted ? s->tls.cipher : ""));
	policy_add(p, "ccert_subject", slice_of(s->encrypted ? s->tls.client_name : ""));
}

/* At RCPT Postfix says 0 recipients, and the size that MAIL declared. */
static void
add_message(const struct session *s, struct policy *p, enum filter_time when, struct slice recipient, uint64_t size)
{
	char instance[64];
	const struct envelope *e = &s->envelope;
	snprintf(instance, sizeof instance, "%s.%llu", s->id, (unsigned long long)s->filters->messages);
	policy_add(p, "instance", slice_of(instance));
	policy_add(p, "queue_id", slice_of(e->queue_id));
	policy_add(p, "sender", str_slice(&e->sender));
	if (when != FILTER_AT_RCPT && e->recipient_count == 1)
		recipient = slice_of(str_text(&e->recipients));
	policy_add(p, "recipient", recipient);
	add_number(p, "recipient_count", when == FILTER_AT_RCPT ? 0 : e->recipient_count);
	add_number(p, "size", when == FILTER_AT_END ? size : e->said.size);
}

static enum policy_word
ask(struct session *s, struct filter_policy *f, enum filter_time when, struct slice recipient, uint64_t size,
    struct policy_action *a)
{
	if (f->wire.trouble != NULL)
		return POLICY_BROKEN;
	policy_add(&f->wire, "request", slice_of("smtpd_access_policy"));
	policy_add(&f->wire, "protocol_state", slice_of(state_name(when)));
	policy_add(&f->wire, "protocol_name", slice_of(s->esmtp ? "ESMTP" : "SMTP"));
	add_client(s, &f->wire);
	add_message(s, &f->wire, when, recipient, size);
	add_trust(s, &f->wire);
	enum policy_word word = policy_ask(&f->wire, a);
	if (word == POLICY_BROKEN)
		log_error("filter-failed", log_slice("filter", f->name), log_text("reason", f->wire.trouble));
	return word;
}

/* False: refused. */
static bool
failed(struct session *s, struct filter_policy *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	if (f->otherwise == FILTER_QUARANTINE)
		filters_hold(s, f->name, slice_of("it did not answer"));
	if (f->otherwise == FILTER_ACCEPT || f->otherwise == FILTER_QUARANTINE)
		return true;
	filters_refuse_failed(s->filters, f->name, f->otherwise);
	return false;
}

static void
prepend(struct filters *fs, struct slice by, const char *field)
{
	size_t before = fs->prepended.len;
	if (str_append_text(&fs->prepended, field) && str_append_text(&fs->prepended, "\r\n"))
		return;
	fs->prepended.failed = false;
	str_truncate(&fs->prepended, before);
	log_warning("filter-prepend-lost", log_slice("filter", by), log_text("reason", "too many fields"));
}

static void
refuse(struct filters *fs, struct slice by, const struct filter_answer *a)
{
	fs->answer = *a;
	fs->by = by;
	fs->closes = a->code == 421;
}

/* What the servers before have said: DEFER_IF_PERMIT and DEFER_IF_REJECT. */
struct pending {
	bool                 if_permit, if_reject;
	struct filter_answer permit, reject;
	struct slice         permit_by, reject_by;
};

/* A permanent refusal becomes what DEFER_IF_REJECT said. */
static bool
refused(struct filters *fs, const struct pending *p)
{
	if (p->if_reject && fs->answer.code >= 500)
		refuse(fs, p->reject_by, &p->reject);
	return false;
}

/* Redirecting, filtering elsewhere and what nobody knows: to go on as if nothing was said could deliver what must not be. */
static bool
unsupported(struct filters *fs, const struct filter_policy *f, const struct policy_action *a)
{
	struct filter_answer answer;
	log_error("policy-unsupported", log_slice("filter", f->name), log_text("action", a->text),
	    log_text("hint", "postern-smtpd(8) lists the actions that are known"));
	filter_answer_set(&answer, 451, "4.3.5", slice_of("Server configuration problem"));
	refuse(fs, f->name, &answer);
	return false;
}

/* False: refused. */
static bool
act(struct session *s, const struct filter_policy *f, const struct policy_action *a, struct pending *p)
{
	struct filters *fs = s->filters;
	switch (a->word) {
	case POLICY_REFUSE:
		refuse(fs, f->name, &a->answer);
		return refused(fs, p);
	case POLICY_DEFER_IF_PERMIT:
		p->if_permit = true;
		p->permit = a->answer;
		p->permit_by = f->name;
		return true;
	case POLICY_DEFER_IF_REJECT:
		p->if_reject = true;
		p->reject = a->answer;
		p->reject_by = f->name;
		return true;
	case POLICY_HOLD:
		filters_hold(s, f->name, slice_of(a->text));
		return true;
	case POLICY_DISCARD:
		filters_discard(s, f->name, a->text);
		return true;
	case POLICY_PREPEND:
		prepend(fs, f->name, a->text);
		return true;
	case POLICY_WARN:
		log_warning("policy", log_slice("filter", f->name), log_text("text", a->text), log_text("client", s->peer.text),
		    log_slice("from", str_slice(&s->envelope.sender)), log_slice("to", fs->rcpt));
		return true;
	case POLICY_UNSUPPORTED:
		return unsupported(fs, f, a);
	case POLICY_DUNNO:
	case POLICY_OK:
	case POLICY_BROKEN:
		break;
	}
	return true;
}

/* On port 25 those who may relay are our own: they are not asked about. */
static bool
is_stranger(const struct session *s)
{
	return session_is_submission(s) || (!s->relay_client && !session_logged_in(s));
}

bool
filters_ask_policies(struct session *s, enum filter_time when, struct slice recipient, uint64_t size)
{
	static struct policy_action a;
	struct filters *fs = s->filters;
	struct pending p = {.if_permit = false};
	enum policy_word word = POLICY_DUNNO;
	for (size_t i = 0; i < fs->policy_count && is_stranger(s) && !fs->discard && word != POLICY_OK; i++) {
		struct filter_policy *f = &fs->policies[i];
		if (f->time != when)
			continue;
		word = ask(s, f, when, recipient, size, &a);
		if (word == POLICY_BROKEN ? !failed(s, f) : !act(s, f, &a, &p))
			return false;
	}
	if (!p.if_permit)
		return true;
	refuse(fs, p.permit_by, &p.permit);
	return false;
}
