#include "queue/remote_sts.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/slice.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"

#define PATIENCE 2000   /* ms: postern-stsd is being started anew */
#define WAIT     150000 /* ms for an answer: it may ask DNS and fetch the policy first */

static bool
is_unknown(struct outcome *trouble, const char *domain, const char *why)
{
	log_error("sts-away", log_text("domain", domain), log_text("reason", why),
	    log_text("hint", "is postern-stsd running? the setting mta_sts wants it"));
	*trouble = outcome_make("4.7.5", "the MTA-STS policy of %s is not known now", domain);
	return false;
}

static void
read_policy(struct packet *p, struct sts *s)
{
	const char *id = packet_field(p), *mode = packet_field(p), *age = packet_field(p), *pattern;
	s->enforced = mode != NULL && strcmp(mode, "enforce") == 0;
	s->testing = mode != NULL && strcmp(mode, "testing") == 0;
	while (id != NULL && age != NULL && s->count < STS_PATTERNS_MOST && (pattern = packet_field(p)) != NULL)
		s->patterns[s->count++] = pattern;
}

bool
sts_find(const char *domain, struct sts *s, struct outcome *trouble)
{
	static struct packet p;
	*s = (struct sts){.count = 0};
	int fd = socket_connect("sts/policy", PATIENCE);
	if (fd < 0)
		return is_unknown(trouble, domain, "its socket does not answer");
	packet_begin(&p, "policy");
	packet_add_text(&p, "1");
	packet_add_text(&p, domain);
	bool ok = packet_call(fd, &p, WAIT);
	close(fd);
	const char *status = ok ? packet_verb(&p) : "", *tag = ok ? packet_field(&p) : NULL;
	if (tag != NULL && strcmp(status, "ok") == 0)
		read_policy(&p, s);
	else if (tag == NULL || strcmp(status, "no") != 0) {
		const char *why = tag != NULL ? packet_field(&p) : NULL;
		return is_unknown(trouble, domain, why != NULL ? why : "no answer");
	}
	return true;
}

static bool
fits(struct slice pattern, struct slice host)
{
	if (!slice_starts(pattern, "*."))
		return slice_equal_nocase(pattern, host);
	size_t dot = slice_find(host, '.');
	return dot > 0 && slice_equal_nocase(slice_from(pattern, 1), slice_from(host, dot));
}

bool
sts_lists(const struct sts *s, const char *host)
{
	for (size_t i = 0; i < s->count; i++)
		if (fits(slice_of(s->patterns[i]), slice_of(host)))
			return true;
	return false;
}
