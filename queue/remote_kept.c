#include "queue/remote_kept.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/remote_session.h"

#define NAMES_MOST 65536

/* What it was opened for. */
static struct {
	bool            is;
	struct session  session;
	struct route    route;
	enum tls_policy wanted;
	struct str      names;
	bool            require_tls;
	int64_t         opened;
	uint64_t        errands;
} kept;

void
kept_end(void)
{
	if (kept.is)
		session_end(&kept.session);
	kept.is = false;
}

int
kept_patience(void)
{
	if (!kept.is)
		return -1;
	const struct smtp_settings *settings = kept.session.settings;
	int64_t left = kept.opened + (int64_t)settings->reuse_time - clock_ms(), idle = (int64_t)settings->reuse_idle;
	return left < 0 ? 0 : (int)(left < idle ? left : idle);
}

/* May there be one more behind what it has carried? */
static bool
may_go_on(const struct smtp_settings *settings)
{
	uint64_t most = kept.session.offers.mail_most, age = (uint64_t)(clock_ms() - kept.opened);
	return settings->reuse_idle > 0 && kept.errands < settings->reuse_messages && (most == 0 || kept.errands < most) &&
	    age < settings->reuse_time && session_is_usable(&kept.session);
}

static bool
is_same_route(const struct route *a, const struct route *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port && a->tls == b->tls && a->mx == b->mx && a->lmtp == b->lmtp &&
	    strcmp(a->unix_path, b->unix_path) == 0;
}

static bool
fits(const struct route *route, const struct plan_facts *facts)
{
	return is_same_route(&kept.route, route) && kept.wanted == facts->policy.wanted && kept.require_tls == facts->require_tls &&
	    slice_equal(str_slice(&kept.names), facts->policy.names);
}

/* Behind an errand: it stays, or ends. */
static void
settle(const struct smtp_settings *settings)
{
	kept.errands++;
	if (!may_go_on(settings))
		kept_end();
}

bool
kept_carry(const struct smtp_settings *settings, const struct route *route, const struct plan_facts *facts, struct errand *e)
{
	struct outcome trouble;
	if (!kept.is)
		return false;
	if (!fits(route, facts) || !may_go_on(settings) || !session_login_fits(&kept.session, e)) {
		kept_end();
		return false;
	}
	if (session_carry(&kept.session, e, &trouble)) {
		settle(settings);
		return true;
	}
	/* Servers close what is idle: a new connection says whether there is trouble. */
	log_event(LOG_DEBUG, "session-over", log_text("reason", trouble.text));
	kept_end();
	return false;
}

static void
note_purpose(const struct route *route, const struct plan_facts *facts)
{
	kept.is = true;
	kept.route = *route;
	kept.wanted = facts->policy.wanted;
	kept.require_tls = facts->require_tls;
	kept.names.limit = NAMES_MOST;
	str_clear(&kept.names);
	str_append_slice(&kept.names, facts->policy.names);
	kept.opened = clock_ms();
	kept.errands = 0;
}

bool
kept_begin(const struct smtp_settings *settings, int fd, const char *server, const struct route *route,
    const struct plan_facts *facts, struct tls_plan *plan, struct errand *e, struct outcome *trouble)
{
	kept_end();
	note_purpose(route, facts);
	if (session_open(&kept.session, fd, server, settings, route, plan, e, trouble) && session_carry(&kept.session, e, trouble)) {
		settle(settings);
		return true;
	}
	kept_end();
	return errand_is_over(e);
}
