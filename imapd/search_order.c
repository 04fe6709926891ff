/* A search's keys in the order of what they cost. */
#include "imapd/parse_search.h"

#define COSTS 5

static int
own_cost(enum search_kind kind)
{
	if (kind >= SEARCH_BODY)
		return 5;
	if (kind >= SEARCH_THREADID)
		return 4;
	if (kind >= SEARCH_BEFORE)
		return 3;
	return kind >= SEARCH_LARGER ? 2 : 1;
}

/* How dear a key is. */
static int
cost(const struct search_key *key)
{
	int most = own_cost(key->kind);
	for (const struct search_key *child = key->child; child != NULL; child = child->next) {
		int price = cost(child); /* asked once: twice would double with each level of nesting */
		most = price > most ? price : most;
	}
	return most;
}

void
search_cheap_first(struct search_key *all)
{
	struct search_key *sorted = NULL, **end = &sorted;
	for (int price = 1; price <= COSTS; price++) {
		for (struct search_key **at = &all->child; *at != NULL;) {
			struct search_key *key = *at;
			if (cost(key) != price) {
				at = &key->next;
				continue;
			}
			*at = key->next;
			key->next = NULL;
			*end = key;
			end = &key->next;
		}
	}
	all->child = sorted;
}
