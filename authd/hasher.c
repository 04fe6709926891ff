#include "authd/hasher.h"

#include <stdlib.h>
#include <string.h>

#include "authd/hash.h"
#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"

#define ROW_PATIENCE 20000 /* ms; the loop answers sooner, or is gone */
#define JOB_PATIENCE 30000
#define LINE_MOST    256

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 384u << 20, /* yescrypt and scrypt hashes of the costlier kind take 64 MiB */
	.descriptors = 16,
	.reaches = "nothing",
	.sockets = "its parent",
	.compromise = "the passwords and hashes that pass through this worker; it may let a wrong password pass",
};

/* --- in the worker -------------------------------------------------------------- */

void
hasher_say(struct hasher *h, const char *verdict, const char *why)
{
	packet_begin(h->packet, verdict);
	if (why != NULL)
		packet_add_text(h->packet, why);
}

static enum row
ask_row(struct hasher *h, const char *user, char **hash)
{
	packet_begin(h->packet, "need");
	packet_add(h->packet, slice_of(user));
	if (!packet_call(h->socket, h->packet, ROW_PATIENCE) || strcmp(packet_verb(h->packet), "row") != 0)
		return ROW_LATER;
	const char *state = packet_field(h->packet);
	const char *text = packet_field(h->packet);
	if (state != NULL && strcmp(state, "none") == 0)
		return ROW_NONE;
	if (state == NULL || strcmp(state, "found") != 0 || text == NULL)
		return ROW_LATER;
	*hash = strdup(text);
	return *hash != NULL ? ROW_FOUND : ROW_LATER;
}

static void
forget(char *text)
{
	if (text == NULL)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

static bool
judge(struct hasher *h, const char *password, char *hash)
{
	enum hash_result r = hash_verify(password, hash);
	/* What needs no hashing takes as long as what does: an unknown user, for one (promise 16). */
	bool costly = hash_is_crypt(hash);
	if (!costly)
		hash_spend(password, h->model);
	if (costly && r != HASH_UNUSABLE) {
		forget(h->model);
		h->model = hash;
	} else {
		forget(hash);
	}
	if (r == HASH_UNUSABLE)
		hasher_say(h, "later", "the password column holds no hash that is known here");
	else
		hasher_say(h, r == HASH_RIGHT ? "ok" : "no", r == HASH_RIGHT ? NULL : "wrong password");
	return r == HASH_RIGHT;
}

bool
hasher_check(struct hasher *h, const char *user, const char *password)
{
	char *hash = NULL;
	switch (ask_row(h, user, &hash)) {
	case ROW_FOUND:
		return judge(h, password, hash);
	case ROW_NONE:
		hash_spend(password, h->model);
		hasher_say(h, "no", "no such user");
		return false;
	case ROW_LATER:
		break;
	}
	hasher_say(h, "later", "the user's row could not be read");
	return false;
}

static void
check_password(struct hasher *h)
{
	const char *user = packet_field(h->packet), *password = packet_field(h->packet);
	char *user_copy = user != NULL ? strdup(user) : NULL;
	char *password_copy = password != NULL ? strdup(password) : NULL;
	if (user_copy != NULL && password_copy != NULL)
		hasher_check(h, user_copy, password_copy);
	else
		hasher_say(h, "later", "no memory");
	free(user_copy);
	forget(password_copy);
}

/* The blobs are copied, for the packet they came in carries the answer. */
static void
run_sasl(struct hasher *h, struct sasl_table *sasl, const char *verb, uint64_t id)
{
	const char *one = packet_field(h->packet), *two = packet_field(h->packet);
	char *first = one != NULL ? strdup(one) : NULL;
	char *second = two != NULL ? strdup(two) : NULL;
	if (strcmp(verb, "drop") == 0)
		sasl_drop(sasl, id);
	else if (first == NULL || (two != NULL && second == NULL))
		hasher_say(h, "later", "no memory");
	else if (strcmp(verb, "begin") == 0)
		sasl_begin(sasl, id, first, second);
	else
		sasl_step(sasl, id, first);
	forget(first);
	forget(second);
}

static bool
serve(struct hasher *h, struct sasl_table *sasl)
{
	if (packet_receive_wait(h->socket, h->packet, -1) != PACKET_OK)
		return false;
	const char *verb = packet_verb(h->packet);
	char kind[16];
	uint64_t id = 0;
	if (strlen(verb) >= sizeof kind || !packet_field_number(h->packet, UINT64_MAX, &id))
		return false;
	memcpy(kind, verb, strlen(verb) + 1);
	if (strcmp(kind, "password") == 0)
		check_password(h);
	else
		run_sasl(h, sasl, kind, id);
	enum packet_result sent = packet_send_wait(h->socket, h->packet, -1);
	explicit_bzero(h->packet->data, sizeof h->packet->data);
	return sent == PACKET_OK;
}

static void
work(int socket, void *context)
{
	struct hashers *all = context;
	if (all->forget != NULL)
		all->forget(all->forget_context);
	struct hasher h = {.socket = socket, .packet = calloc(1, sizeof *h.packet), .model = hash_make("")};
	struct sasl_table *sasl = h.packet != NULL ? sasl_table_make(&h) : NULL;
	if (sasl == NULL || h.model == NULL) {
		log_error("hasher-not-started", log_errno());
		return;
	}
	if (!sandbox_enter(&contract, NULL, 0))
		return;
	while (serve(&h, sasl))
		;
}

/* --- in the loop ------------------------------------------------------------------ */

bool
hashers_start(struct hashers *h)
{
	for (size_t i = 0; i < h->count; i++) {
		h->pools[i] = (struct pool){.name = "hasher", .workers = 1, .most_waiting = LINE_MOST,
		    .job_timeout = JOB_PATIENCE, .work = work, .context = h};
		if (!pool_start(&h->pools[i]))
			return false;
	}
	return true;
}

size_t
hashers_choose(const struct hashers *h)
{
	size_t best = 0;
	for (size_t i = 1; i < h->count; i++)
		if (h->load[i] < h->load[best])
			best = i;
	return best;
}
