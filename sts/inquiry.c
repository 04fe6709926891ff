#include "sts/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "sts/cache.h"
#include "sts/checks.h"
#include "sts/store.h"

#define TAG_MOST     64
#define SWEEP_EVERY  10000 /* ms at most between two steps through the cache */

/* Somebody who asks. */
struct asker {
	struct connection connection;
	struct job       *job; /* that he waits for */
	struct asker     *next;
	char              tag[TAG_MOST + 1];
};

/* A domain that a worker looks up. */
struct job {
	struct job   *next;
	struct asker *askers;
	char          domain[STS_DOMAIN_MOST + 1];
};

static struct {
	const struct inquiry_settings *settings;
	struct job        *jobs;
	struct store       store;
	struct timer       sweeper;
} inquiry;

/* --- answers ------------------------------------------------------------------------------------ */

static void
send_short(struct asker *a, const char *status, const char *why)
{
	static struct packet p;
	packet_begin(&p, status);
	packet_add_text(&p, a->tag);
	packet_add_text(&p, why);
	connection_send(&a->connection, &p);
}

static void
send_policy(struct asker *a, const struct cached *c)
{
	static struct packet p;
	packet_begin(&p, "ok");
	packet_add_text(&p, a->tag);
	packet_add(&p, c->id);
	packet_add_text(&p, sts_mode_word(c->policy.mode));
	packet_add_number(&p, cached_left(c, clock_unix()));
	for (size_t i = 0; i < c->policy.count; i++)
		packet_add(&p, c->policy.mx[i]);
	connection_send(&a->connection, &p);
}

/* --- jobs ----------------------------------------------------------------------------------------- */

static struct job *
find_job(const char *domain)
{
	struct job *j = inquiry.jobs;
	while (j != NULL && strcmp(j->domain, domain) != 0)
		j = j->next;
	return j;
}

/* Everybody who waits gets the policy, or these words; then the job is forgotten. */
static void
end_job(struct job *j, const struct cached *policy, const char *status, const char *why)
{
	struct job **at = &inquiry.jobs;
	for (struct asker *a = j->askers, *next; a != NULL; a = next) {
		next = a->next;
		a->job = NULL;
		if (policy != NULL)
			send_policy(a, policy);
		else
			send_short(a, status, why);
	}
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	free(j);
}

/* What is known still counts, whatever has happened (RFC 8461 section 3.3). */
static void
end_with_known(struct job *j, const char *status, const char *why)
{
	struct cached known;
	bool is_known = sts_cache_read(inquiry.settings->directory, j->domain, clock_unix(), &known);
	end_job(j, is_known ? &known : NULL, status, why);
	if (is_known)
		sts_cache_free(&known);
}

static void
take_policy(struct job *j, struct packet *answer)
{
	struct cached c = {.fetched = clock_unix()};
	const char *id = packet_field(answer), *why = "";
	struct slice text = packet_rest(answer);
	if (id == NULL || strlen(id) > STS_ID_MOST || !sts_policy_parse(text, &c.policy, &why)) {
		log_error("answer-malformed", log_text("domain", j->domain), log_text("reason", why));
		end_with_known(j, "later", "a worker answered nonsense");
		return;
	}
	c.id = slice_of(id);
	log_info("policy", log_text("domain", j->domain), log_text("id", id), log_text("mode", sts_mode_word(c.policy.mode)),
	    log_number("max_age", (int64_t)c.policy.max_age), log_number("mx", (int64_t)c.policy.count));
	if (store_keep(&inquiry.store, j->domain, c.id, text))
		checks_add(j->domain, inquiry.settings->check);
	end_job(j, &c, "", "");
}

static bool
job_answered(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct job *j = context;
	const char *verb = answer != NULL ? packet_verb(answer) : "";
	if (strcmp(verb, "policy") == 0) {
		take_policy(j, answer);
		return true;
	}
	if (answer == NULL) {
		end_with_known(j, "later", "the look-up was not finished");
		return true;
	}
	checks_add(j->domain, inquiry.settings->check);
	if (strcmp(verb, "failed") == 0) {
		const char *why = packet_field(answer);
		log_warning("policy-not-fetched", log_text("domain", j->domain), log_text("reason", why != NULL ? why : ""));
		end_with_known(j, "no", why != NULL ? why : "");
		return true;
	}
	end_with_known(j, "no", "the domain has no record of MTA-STS");
	return true;
}

/* The id is what is known already; "" when the policy is wanted in any case. NULL: not now. */
static struct job *
start_job(const char *domain, const char *id)
{
	static struct packet p;
	struct job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return NULL;
	snprintf(j->domain, sizeof j->domain, "%s", domain);
	packet_begin(&p, "fetch");
	packet_add_text(&p, domain);
	packet_add_text(&p, id);
	if (!pool_submit(inquiry.settings->pool, &p, job_answered, j)) {
		free(j);
		return NULL;
	}
	j->next = inquiry.jobs;
	inquiry.jobs = j;
	return j;
}

static void
look_again(const char *domain, const struct cached *c)
{
	char id[STS_ID_MOST + 1];
	snprintf(id, sizeof id, "%.*s", (int)c->id.len, c->id.data);
	if (!checks_has(domain) && find_job(domain) == NULL)
		start_job(domain, cached_is_old(c, clock_unix(), inquiry.settings->refresh) ? "" : id);
}

/* --- questions -------------------------------------------------------------------------------------- */

static void
wait_for_job(struct asker *a, const char *domain)
{
	struct job *j = find_job(domain);
	if (j == NULL)
		j = start_job(domain, "");
	if (j == NULL) {
		send_short(a, "later", "too many look-ups are under way");
		return;
	}
	a->job = j;
	a->next = j->askers;
	j->askers = a;
}

static void
serve(struct asker *a, const char *domain)
{
	struct cached c;
	if (!sts_is_domain(slice_of(domain)))
		send_short(a, "no", "a name like this has no policy");
	else if (sts_cache_read(inquiry.settings->directory, domain, clock_unix(), &c)) {
		send_policy(a, &c);
		look_again(domain, &c);
		sts_cache_free(&c);
	} else if (checks_has(domain))
		send_short(a, "no", "none, as was seen a short time ago");
	else
		wait_for_job(a, domain);
}

static bool
take_request(struct connection *connection, struct packet *p)
{
	struct asker *a = (struct asker *)connection;
	const char *verb = packet_verb(p), *tag = packet_field(p), *domain = packet_field(p);
	if (strcmp(verb, "policy") != 0 || domain == NULL || strlen(tag) > TAG_MOST || a->job != NULL || packet_field(p) != NULL)
		return false;
	snprintf(a->tag, sizeof a->tag, "%s", tag);
	serve(a, domain);
	return true;
}

static void
forget_asker(struct connection *connection)
{
	struct asker *a = (struct asker *)connection;
	if (a->job == NULL)
		return;
	struct asker **at = &a->job->askers;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
}

static void
sweep(struct timer *t)
{
	store_sweep(&inquiry.store, look_again);
	int64_t every = (int64_t)inquiry.settings->refresh * 500;
	timer_set(t, every < SWEEP_EVERY ? every : SWEEP_EVERY);
}

bool
inquiry_start(const struct inquiry_settings *settings, struct service *service)
{
	inquiry.settings = settings;
	checks_begin();
	store_begin(&inquiry.store, settings->directory, settings->most, settings->refresh);
	inquiry.sweeper.fire = sweep;
	service->connection_size = sizeof(struct asker);
	service->request = take_request;
	service->closed = forget_asker;
	return service_start(service) && timer_set(&inquiry.sweeper, 1000);
}
