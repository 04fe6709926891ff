#include "smtpd/arrive.h"

#include <unistd.h>

#include "lib/base/networks.h"
#include "lib/front/proxy.h"
#include "smtpd/rules.h"
#include "smtpd/services.h"

static enum networks_answer
is_in(const struct session *s, const char *networks, const char *setting)
{
	struct slice entry;
	enum networks_answer answer = networks_hold(slice_of(networks), &s->peer.ip, &entry);
	if (answer == NETWORKS_WRONG)
		log_error("setting-wrong", log_text("setting", setting), log_slice("entry", entry), log_text("hint", NETWORKS_HINT));
	return answer;
}

bool
arrive_permitted(const struct session *s)
{
	return is_in(s, s->config->permitted_networks, "permitted_networks") == NETWORKS_YES;
}

/*
 * RELAYCLIENT was said of the address that the launcher saw, so behind a
 * balancer it counts for nobody. A balancer that names no client may neither relay
 * nor say XCLIENT: he speaks for somebody whom we do not know.
 */
static bool
judge(struct session *s, enum proxy_arrival how)
{
	enum networks_answer permitted = is_in(s, s->config->permitted_networks, "permitted_networks");
	enum networks_answer xclient = is_in(s, s->config->xclient_networks, "xclient_networks");
	bool launcher = how == PROXY_DIRECT && permitted != NETWORKS_YES && rules_relay_client();
	bool known = how != PROXY_ITSELF;
	s->relay_client = known && (permitted == NETWORKS_YES || launcher);
	s->may_xclient = known && xclient == NETWORKS_YES;
	return permitted != NETWORKS_WRONG && xclient != NETWORKS_WRONG;
}

enum arrive_result
arrive(struct session *s)
{
	enum proxy_arrival how = proxy_take(STDIN_FILENO, s->config->proxy_networks, &s->peer);
	if (how == PROXY_BROKEN) {
		s->end = "no-proxy-header";
		return ARRIVE_GONE;
	}
	if (how == PROXY_SETTING_WRONG || !judge(s, how))
		return ARRIVE_MISCONFIGURED;
	return services_client(s) ? ARRIVE_OK : ARRIVE_TOO_MANY;
}

bool
arrive_may_encrypt(struct session *s)
{
	if (services_rate(s, LEASE_TLS))
		return true;
	s->end = "too-many-tls-sessions";
	return false;
}
