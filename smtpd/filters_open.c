/* Which filters there are: the settings, and the connections before the confinement. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "smtpd/filters.h"
#include "smtpd/filters_state.h"

#define FILE_ADDED (1u << 20) /* of a scratch file, beside texts of the largest size */

/* A list of the settings, and what is to become of its entries. */
struct list {
	const char *setting;
	const char *value;
	int         timeout; /* ms, to connect */
};

static int
connect_to(const struct list *l, const struct endpoint *e)
{
	int fd = endpoint_connect(e, l->timeout);
	if (fd < 0)
		log_error("filter-away", log_slice("filter", e->name), log_text("setting", l->setting), log_errno(),
		    log_text("hint", "is it running, and may the user postern-smtpd connect to its socket?"));
	return fd;
}

static bool
wrong(const struct list *l, const struct endpoint *e)
{
	log_error("setting-wrong", log_text("setting", l->setting), log_slice("entry", e->name),
	    log_text("hint", ENDPOINT_HINT));
	return false;
}

static bool
open_milters(struct session *s, const struct list *l)
{
	struct filters *fs = s->filters;
	struct slice rest = slice_of(l->value);
	struct endpoint e;
	for (;;) {
		enum endpoint_result r = endpoint_next(&rest, &e);
		if (r == ENDPOINT_NONE)
			return true;
		if (r == ENDPOINT_WRONG || e.time != FILTER_AT_RCPT || fs->milter_count == FILTERS_MOST)
			return wrong(l, &e);
		struct filter_milter *f = &fs->milters[fs->milter_count++];
		f->name = e.name;
		f->otherwise = e.otherwise;
		f->wire.command_ms = (int)s->config->milter_command_timeout * 1000;
		f->wire.content_ms = (int)s->config->milter_content_timeout * 1000;
		f->wire.macro = filters_macro;
		f->wire.context = s;
		f->fd = connect_to(l, &e);
		if (f->fd < 0)
			f->wire.trouble = "it is not there";
	}
}

static bool
open_policies(struct session *s, const struct list *l)
{
	struct filters *fs = s->filters;
	struct slice rest = slice_of(l->value);
	struct endpoint e;
	for (;;) {
		enum endpoint_result r = endpoint_next(&rest, &e);
		if (r == ENDPOINT_NONE)
			return true;
		if (r == ENDPOINT_WRONG || fs->policy_count == FILTERS_MOST)
			return wrong(l, &e);
		struct filter_policy *f = &fs->policies[fs->policy_count++];
		f->name = e.name;
		f->otherwise = e.otherwise;
		f->time = e.time;
		f->fd = connect_to(l, &e);
		policy_begin(&f->wire, f->fd, (int)s->config->policy_timeout * 1000);
		if (f->fd < 0)
			f->wire.trouble = "it is not there";
	}
}

/* "same": as on port 25. */
static const char *
milters_of(const struct config *c)
{
	bool users = c->mode != MODE_SMTP;
	return users && strcmp(c->submission_milters, "same") != 0 ? c->submission_milters : c->milters;
}

static const char *
policies_of(const struct config *c)
{
	return c->mode != MODE_SMTP ? c->submission_policy_servers : c->policy_servers;
}

static bool
is_empty(const char *list)
{
	return list[strspn(list, " \t\r\n")] == '\0';
}

/*
 * Whoever takes this process over may not fill the disk with its scratch file:
 * it may hold the message, and a new body of each milter. (A log on a file
 * would count too, so the limit is left out there.)
 */
static void
limit_file(const struct session *s)
{
	struct stat log;
	uint64_t size = s->config->message_size + FILE_ADDED, texts = s->filters->milter_count + 1;
	struct rlimit r = {.rlim_cur = size * texts, .rlim_max = size * texts};
	if (size > INT64_MAX / texts || (fstat(STDERR_FILENO, &log) == 0 && S_ISREG(log.st_mode)))
		return;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &r);
}

bool
filters_open(struct session *s)
{
	const struct config *c = s->config;
	bool users = c->mode != MODE_SMTP;
	const struct list milters = {users && milters_of(c) != c->milters ? "submission_milters" : "milters", milters_of(c),
	    (int)c->milter_connect_timeout * 1000};
	const struct list policies = {users ? "submission_policy_servers" : "policy_servers", policies_of(c),
	    (int)c->policy_timeout * 1000};
	if (is_empty(milters.value) && is_empty(policies.value))
		return true;
	struct filters *fs = s->filters = calloc(1, sizeof *fs);
	if (fs == NULL)
		return false;
	fs->milters = is_empty(milters.value) ? NULL : calloc(FILTERS_MOST, sizeof *fs->milters);
	fs->policies = is_empty(policies.value) ? NULL : calloc(FILTERS_MOST, sizeof *fs->policies);
	if ((fs->milters == NULL && !is_empty(milters.value)) || (fs->policies == NULL && !is_empty(policies.value)))
		return false;
	fs->scratch.fd = -1;
	fs->fields = FIELDS_NONE;
	fs->prepended = STR_MOST(PREPENDED_MOST);
	fs->changes = STR_MOST(CHANGES_MOST);
	if (!open_milters(s, &milters) || !open_policies(s, &policies))
		return false;
	limit_file(s);
	return true;
}
