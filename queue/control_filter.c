#include "queue/control_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

/* --- patterns --------------------------------------------------------------------------------- */

bool
wildcards_match(struct slice pattern, struct slice text)
{
	size_t p = 0, t = 0, star = pattern.len, from = 0;
	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.len && ascii_lower(pattern.data[p]) == ascii_lower(text.data[t])) {
			p++;
			t++;
		} else if (star < pattern.len) {
			/* The last star takes one byte more: that is enough, for what was before it has matched. */
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

/* --- options ------------------------------------------------------------------------------------- */

static bool
take_age(struct filter *f, const char *program, const char *text)
{
	uint64_t age, now = (uint64_t)clock_unix();
	if (!number_parse_seconds(slice_of(text), UINT32_MAX, &age)) {
		fprintf(stderr, "%s: %s is no age: write 30m, 2h or 5d\n", program, text);
		return false;
	}
	f->aged = true;
	f->before = now > age ? now - age : 0;
	return true;
}

enum filter_option
filter_take(struct filter *f, const char *program, char *const *words, int count, int *at)
{
	const struct {
		const char  *name;
		const char **value;
	} options[] = {{"--sender", &f->sender}, {"--recipient", &f->recipient}, {"--domain", &f->domain}, {"--older-than", NULL}};
	if (strcmp(words[*at], "--held") == 0) {
		f->held = true;
		return FILTER_TAKEN;
	}
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(words[*at], options[i].name) != 0)
			continue;
		if (*at + 1 >= count) {
			fprintf(stderr, "%s: %s wants a value\n", program, words[*at]);
			return FILTER_WRONG;
		}
		const char *value = words[++*at];
		if (options[i].value == NULL)
			return take_age(f, program, value) ? FILTER_TAKEN : FILTER_WRONG;
		*options[i].value = value;
		return FILTER_TAKEN;
	}
	return FILTER_UNKNOWN;
}

bool
filter_chooses(const struct filter *f)
{
	return f->sender != NULL || f->recipient != NULL || f->domain != NULL || f->aged || f->held;
}

bool
filter_take_ids(struct filter *f, const char *program, char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number;
		if (id_parse(slice_of(ids[i]), &number) && number != 0)
			continue;
		fprintf(stderr, "%s: %s is no queue id\n", program, ids[i]);
		return false;
	}
	f->ids = ids;
	f->id_count = count;
	return true;
}

/* --- matching -------------------------------------------------------------------------------------- */

static bool
sender_matches(const char *pattern, const char *sender)
{
	if (strcmp(pattern, "<>") == 0)
		pattern = "";
	return wildcards_match(slice_of(pattern), slice_of(sender));
}

static bool
domain_matches(const char *pattern, const char *recipient)
{
	struct slice local, domain;
	address_split(slice_of(recipient), &local, &domain);
	return wildcards_match(slice_of(pattern), domain);
}

bool
filter_matches(const struct filter *f, const struct queue_entry *e)
{
	bool waits = strcmp(e->state, "delivered") != 0 && strcmp(e->state, "failed") != 0;
	if (!filter_chooses(f))
		return true;
	return waits && (f->sender == NULL || sender_matches(f->sender, e->sender)) &&
	    (f->recipient == NULL || wildcards_match(slice_of(f->recipient), slice_of(e->recipient))) &&
	    (f->domain == NULL || domain_matches(f->domain, e->recipient)) && (!f->aged || e->arrival <= f->before) &&
	    (!f->held || strcmp(e->state, "held") == 0);
}

struct meant {
	const struct filter *filter;
	control_each        *each;
	void                *context;
};

static bool
pass_on(void *context, const struct queue_entry *e)
{
	struct meant *m = context;
	return !filter_matches(m->filter, e) || m->each(m->context, e);
}

enum control_result
filter_list(struct control *c, const struct filter *f, control_each *each, void *context)
{
	struct meant m = {f, each, context};
	if (f->ids == NULL)
		return control_list(c, pass_on, &m);
	enum control_result r = CONTROL_OK;
	for (size_t i = 0; r == CONTROL_OK && i < f->id_count; i++)
		r = control_message(c, f->ids[i], pass_on, &m);
	return r;
}
