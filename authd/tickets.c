#include "authd/tickets.h"

#include <string.h>
#include <sys/mman.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"

#define TRIES 64

bool
tickets_begin(struct tickets *t)
{
	size_t size = TICKETS_MOST * sizeof *t->slots;
	void *slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED)
		return false;
	madvise(slots, size, MADV_WIPEONFORK);
	t->slots = slots;
	return true;
}

/* A ticket's place follows from its letters, so that redeeming looks at one slot. */
static struct ticket *
slot_of(struct tickets *t, const char *letters)
{
	uint32_t number = 2166136261u;
	for (size_t i = 0; i < TICKET_LETTERS; i++)
		number = (number ^ (unsigned char)letters[i]) * 16777619u;
	return &t->slots[(number ^ number >> 16) % TICKETS_MOST];
}

bool
tickets_issue(struct tickets *t, const char *user, const char *service, int64_t now, char letters[TICKET_LETTERS + 1])
{
	size_t user_len = strlen(user), service_len = strlen(service);
	if (user_len > TICKET_USER_MOST || service_len > TICKET_SERVICE_MOST)
		return false;
	for (int i = 0; i < TRIES; i++) {
		random_letters(letters, TICKET_LETTERS);
		struct ticket *slot = slot_of(t, letters);
		if (slot->due > now)
			continue;
		slot->due = now + TICKET_LIFE;
		memcpy(slot->letters, letters, sizeof slot->letters);
		memcpy(slot->service, service, service_len + 1);
		memcpy(slot->user, user, user_len + 1);
		return true;
	}
	return false;
}

/* In a time that does not tell how much was right. */
static bool
same_letters(const char *a, const char *b)
{
	unsigned difference = 0;
	for (size_t i = 0; i < TICKET_LETTERS; i++)
		difference |= (unsigned)(a[i] ^ b[i]);
	return difference == 0;
}

bool
tickets_redeem_at(struct tickets *t, const char *letters, const char *service, int64_t now, char user[TICKET_USER_MOST + 1])
{
	if (strlen(letters) != TICKET_LETTERS)
		return false;
	struct ticket *slot = slot_of(t, letters);
	if (slot->due == 0 || !same_letters(slot->letters, letters))
		return false;
	bool right = slot->due > now && strcmp(slot->service, service) == 0;
	memcpy(user, slot->user, sizeof slot->user);
	memset(slot, 0, sizeof *slot);
	return right;
}

bool
tickets_redeem(struct tickets *t, const char *letters, const char *service, char user[TICKET_USER_MOST + 1])
{
	return tickets_redeem_at(t, letters, service, clock_ms(), user);
}
