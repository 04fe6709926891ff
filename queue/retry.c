#include "queue/retry.h"

uint64_t
retry_wait(unsigned tries, uint64_t first, uint64_t most)
{
	uint64_t wait = first;
	for (unsigned i = 1; i < tries && wait < most; i++)
		wait = wait < most / 2 ? wait * 2 : most;
	return wait < most ? wait : most;
}

uint64_t
retry_spread(uint64_t wait, uint64_t chance)
{
	return wait - chance % (wait / 8 + 1);
}

bool
retry_is_spent(unsigned tries, uint64_t first, uint64_t most, uint64_t life)
{
	uint64_t left = life;
	for (unsigned i = 1; i <= tries; i++) {
		uint64_t wait = retry_wait(i, first, most);
		if (wait > left)
			return true;
		left -= wait;
	}
	return tries >= RETRY_TRIES_MOST;
}

bool
retry_is_over(uint64_t arrival, uint64_t now, uint64_t life)
{
	return now > arrival && now - arrival > life;
}
