#include "smtpd/limits.h"

#include "lib/base/clock.h"
#include "smtpd/reply.h"

/* 0 sets no limit. */
static bool
is_over(uint64_t count, uint64_t most)
{
	return most > 0 && count >= most;
}

static bool
is_too_long(const struct session *s)
{
	uint64_t most = s->config->rules.session_time;
	return most > 0 && (uint64_t)(clock_ms() - s->begun_ms) >= most * 1000;
}

bool
limits_reached(struct session *s)
{
	const struct rules_config *rules = &s->config->rules;
	if (s->counts.errors >= s->config->error_limit)
		reply_closing(s, "4.7.0", "Too many errors", "too-many-errors");
	else if (is_over(s->counts.unknown, rules->unknown_recipients_limit))
		reply_closing(s, "4.7.0", "Too many unknown recipients", "too-many-unknown");
	else if (s->counts.idle >= s->config->commands_limit)
		reply_closing(s, "4.7.0", "Too many commands without mail", "too-many-commands");
	else if (is_too_long(s))
		reply_closing(s, "4.4.2", "The session has lasted too long", "session-time");
	return s->closing;
}

bool
limits_message(struct session *s)
{
	if (!is_over(s->counts.messages, s->config->rules.messages_limit))
		return true;
	reply_closing(s, "4.5.3", "Too many messages in one session", "too-many-messages");
	return false;
}

void
limits_await_line(struct session *s)
{
	s->in.budget = s->in.timeout;
}

void
limits_await_text(struct session *s)
{
	s->in.budget = s->config->rules.data_rate > 0 ? s->in.timeout : -1;
}

static void
give_time(struct session *s, size_t len)
{
	uint64_t rate = s->config->rules.data_rate;
	if (rate == 0)
		return;
	uint64_t budget = (uint64_t)s->in.budget + ((uint64_t)len * 1000 + rate - 1) / rate;
	s->in.budget = budget < (uint64_t)s->in.timeout ? (int)budget : s->in.timeout;
}

enum input_result
limits_read_text(struct session *s)
{
	size_t before = input_buffered(&s->in).len;
	enum input_result r = input_fill(&s->in);
	if (r == INPUT_OK)
		give_time(s, input_buffered(&s->in).len - before);
	return r;
}
