#include "tlsd/retired.h"

#include <stdlib.h>

#include "lib/base/clock.h"

struct retired {
	struct retired *next;
	EVP_PKEY       *key;
	uint64_t        id;
	int64_t         until; /* of clock_ms(); 0: the acceptor has not taken its successor yet */
};

static struct retired *all;

void
retired_add(EVP_PKEY *key, uint64_t id)
{
	struct retired *old = key != NULL ? calloc(1, sizeof *old) : NULL;
	if (old == NULL) {
		EVP_PKEY_free(key);
		return;
	}
	*old = (struct retired){.next = all, .key = key, .id = id};
	all = old;
}

void
retired_taken(int64_t patience)
{
	for (struct retired *old = all; old != NULL; old = old->next)
		if (old->until == 0)
			old->until = clock_ms() + patience;
}

void
retired_forget(void)
{
	int64_t now = clock_ms();
	for (struct retired **at = &all; *at != NULL;) {
		struct retired *old = *at;
		if (old->until == 0 || old->until > now) {
			at = &old->next;
			continue;
		}
		*at = old->next;
		EVP_PKEY_free(old->key);
		free(old);
	}
}

EVP_PKEY *
retired_key(uint64_t id)
{
	for (struct retired *old = all; old != NULL; old = old->next)
		if (old->id == id)
			return old->key;
	return NULL;
}
