#include "queue/window.h"

void
window_begin(struct window *w, const struct window_rules *rules)
{
	*w = (struct window){.limit = rules->first < rules->most ? rules->first : rules->most};
}

unsigned
window_limit(const struct window *w, int64_t now)
{
	if (!w->dead)
		return w->limit;
	return now < w->dead_until ? 0 : 1;
}

void
window_success(struct window *w, const struct window_rules *rules)
{
	if (w->dead)
		window_begin(w, rules);
	w->failures = 0;
	/* One more for each round of as many as there may be. */
	if (++w->successes < w->limit)
		return;
	w->successes = 0;
	if (w->limit < rules->most)
		w->limit++;
}

bool
window_failure(struct window *w, const struct window_rules *rules, int64_t now)
{
	/* What was under way when it died says nothing new; a probe does. */
	if (w->dead && now < w->dead_until)
		return false;
	w->successes = 0;
	w->failures++;
	w->limit = w->limit > 1 ? w->limit / 2 : 1;
	if (!w->dead && w->failures < rules->failures)
		return false;
	w->dead = true;
	w->dead_until = now + rules->pause;
	return true;
}

bool
window_is_new(const struct window *w, const struct window_rules *rules)
{
	struct window new;
	window_begin(&new, rules);
	return !w->dead && w->failures == 0 && w->limit == new.limit;
}
