#include "authd/remembered.h"

#include <string.h>
#include <sys/mman.h>

bool
remembered_begin(struct remembered *r)
{
	size_t size = REMEMBERED_SLOTS * sizeof *r->slots;
	r->key = siphash_key_new();
	r->slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return r->slots != MAP_FAILED && madvise(r->slots, size, MADV_DONTFORK) == 0;
}

static struct remembered_slot *
slot_of(const struct remembered *r, struct slice login)
{
	return &r->slots[siphash(&r->key, login) % REMEMBERED_SLOTS];
}

void
remembered_note(struct remembered *r, struct slice login, const char *tag, int64_t now)
{
	size_t len = strlen(tag);
	if (r->life == 0 || len == 0 || len > REMEMBERED_TAG_MOST || login.len > REMEMBERED_LOGIN_MOST)
		return;
	struct remembered_slot *s = slot_of(r, login);
	s->until = now + (int64_t)r->life * 1000;
	s->len = (uint16_t)login.len;
	memcpy(s->login, login.data, login.len);
	memcpy(s->tag, tag, len + 1);
}

const char *
remembered_find(const struct remembered *r, struct slice login, int64_t now)
{
	const struct remembered_slot *s = slot_of(r, login);
	bool known = r->life > 0 && s->until > now && slice_equal(slice_make(s->login, s->len), login);
	return known ? s->tag : "";
}
