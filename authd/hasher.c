#include "authd/hasher.h"

#include <stdlib.h>
#include <string.h>

#include "authd/hasher_worker.h"
#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"

#define JOB_PATIENCE 30000
#define LINE_MOST    256

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 384u << 20, /* yescrypt, scrypt and argon2 hashes of the costlier kind take 64 MiB and more */
	.descriptors = 16,
	.reaches = "nothing",
	.sockets = "its parent",
	.compromise = "the passwords and hashes that pass through this worker; it may let a wrong password pass",
};

/* --- in the worker -------------------------------------------------------------- */

void
hasher_ok(struct hasher *h, const char *memory, const char *class)
{
	packet_begin(h->packet, "ok");
	packet_add_text(h->packet, memory);
	packet_add_text(h->packet, class);
}

void
hasher_no(struct hasher *h, const char *why, const char *class)
{
	packet_begin(h->packet, "no");
	packet_add_text(h->packet, why);
	packet_add_text(h->packet, class);
}

void
hasher_later(struct hasher *h, const char *why)
{
	packet_begin(h->packet, "later");
	packet_add_text(h->packet, why);
}

bool
hasher_begin(struct hasher *h, int socket, const struct hashers *all)
{
	*h = (struct hasher){.socket = socket, .packet = calloc(1, sizeof *h->packet), .all = all,
	    .model = STR_MOST(HASH_TEXT_MOST), .model_rows = 1};
	char *made = hash_make("YESCRYPT", "");
	bool ok = h->packet != NULL && made != NULL && str_append_text(&h->model, made);
	free(made);
	return ok;
}

/* --- jobs: the fields are copied, for the packet that they came in carries the answer --- */

#define FIELDS_MOST 4

struct job {
	char     kind[16];
	uint64_t id;
	char    *fields[FIELDS_MOST]; /* NULL behind the last */
	bool     short_of_memory;
};

static bool
take_job(struct packet *p, struct job *j)
{
	*j = (struct job){.id = 0};
	const char *verb = packet_verb(p), *field;
	if (strlen(verb) >= sizeof j->kind || !packet_field_number(p, UINT64_MAX, &j->id))
		return false;
	memcpy(j->kind, verb, strlen(verb) + 1);
	for (size_t i = 0; i < FIELDS_MOST && (field = packet_field(p)) != NULL; i++) {
		j->fields[i] = strdup(field);
		j->short_of_memory = j->short_of_memory || j->fields[i] == NULL;
	}
	return true;
}

static void
forget_job(struct job *j)
{
	for (size_t i = 0; i < FIELDS_MOST; i++) {
		if (j->fields[i] != NULL)
			explicit_bzero(j->fields[i], strlen(j->fields[i]));
		free(j->fields[i]);
	}
}

static bool
is_job(const struct job *j, const char *kind, size_t fields)
{
	return strcmp(j->kind, kind) == 0 && (fields == 0 || j->fields[fields - 1] != NULL);
}

static bool
do_job(struct hasher *h, struct dialogues *t, const struct job *j)
{
	char *const *f = j->fields;
	if (j->short_of_memory)
		hasher_later(h, "no memory");
	else if (is_job(j, "password", 2))
		hasher_check(h, f[0], "", f[1]);
	else if (is_job(j, "begin", 3))
		sasl_begin(t, j->id, f[0], f[1], f[2], f[3]);
	else if (is_job(j, "step", 1))
		sasl_step(t, j->id, f[0]);
	else if (is_job(j, "drop", 0))
		sasl_drop(t, j->id);
	else
		return false;
	return true;
}

static bool
serve(struct hasher *h, struct dialogues *t)
{
	struct job job;
	if (packet_receive_wait(h->socket, h->packet, -1) != PACKET_OK || !take_job(h->packet, &job))
		return false;
	bool known = do_job(h, t, &job);
	forget_job(&job);
	bool sent = known && packet_send_wait(h->socket, h->packet, -1) == PACKET_OK;
	explicit_bzero(h->packet->data, sizeof h->packet->data);
	return sent;
}

static void
work(int socket, void *context)
{
	struct hashers *all = context;
	struct hasher h;
	if (all->forget != NULL)
		all->forget(all->forget_context);
	struct dialogues *t = hasher_begin(&h, socket, all) ? dialogues_make(&h) : NULL;
	if (t == NULL) {
		log_error("hasher-not-started", log_errno());
		return;
	}
	if (!sandbox_enter(&contract, NULL, 0))
		return;
	while (serve(&h, t))
		;
}

/* --- in the loop ------------------------------------------------------------------ */

bool
hashers_start(struct hashers *h)
{
	if (!hash_key_begin(&h->key))
		return false;
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
