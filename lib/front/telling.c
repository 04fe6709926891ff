#include "lib/front/telling.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"

#define AGAIN 1000 /* ms */

static void ask(struct told_word *w);

static void
answered(void *context, const char *status, struct packet *answer)
{
	struct told_word *w = context;
	(void)answer;
	w->asked = false;
	if (status == NULL) {
		log_warning("usage-not-told", log_text("socket", w->owner->client.service), log_text("user", w->user));
		timer_set(&w->owner->again, AGAIN);
	} else if (w->changed) {
		ask(w);
	} else {
		w->user[0] = '\0';
	}
}

static void
ask(struct told_word *w)
{
	static struct packet p;
	client_begin(&w->owner->client, &p, "usage");
	packet_add_text(&p, w->user);
	packet_add_number(&p, w->bytes);
	packet_add_number(&p, w->messages);
	w->changed = false;
	w->asked = client_ask(&w->owner->client, &p, answered, w) != NULL;
	if (!w->asked)
		w->user[0] = '\0';
}

static void
tell_again(struct timer *timer)
{
	struct telling *t = (struct telling *)((char *)timer - offsetof(struct telling, again));
	for (size_t i = 0; i < TELLING_MOST; i++)
		if (t->words[i].user[0] != '\0' && !t->words[i].asked)
			ask(&t->words[i]);
}

static struct told_word *
word_of(struct telling *t, const char *user)
{
	struct told_word *unused = NULL;
	for (size_t i = 0; i < TELLING_MOST; i++) {
		if (strcmp(t->words[i].user, user) == 0)
			return &t->words[i];
		if (t->words[i].user[0] == '\0')
			unused = &t->words[i];
	}
	return unused;
}

void
telling_usage(struct telling *t, const char *user, uint64_t bytes, uint64_t messages)
{
	struct told_word *w = word_of(t, user);
	if (w == NULL)
		return;
	bool waits = w->user[0] != '\0';
	t->again.fire = tell_again;
	w->owner = t;
	w->bytes = bytes;
	w->messages = messages;
	w->changed = w->asked;
	snprintf(w->user, sizeof w->user, "%s", user);
	if (!waits)
		ask(w);
}
