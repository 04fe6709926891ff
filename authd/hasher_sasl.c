/* The exchanges of a worker: which there are, their base64, their ends. */
#include "authd/hasher_sasl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"

struct dialogues {
	struct hasher  *hasher;
	Gsasl          *library;
	uint64_t        clock;
	struct dialogue all[EXCHANGES_MOST];
};

struct dialogues *
dialogues_make(struct hasher *h)
{
	struct dialogues *t = calloc(1, sizeof *t);
	if (t == NULL || gsasl_init(&t->library) != GSASL_OK) {
		free(t);
		return NULL;
	}
	t->hasher = h;
	gsasl_callback_set(t->library, library_asks);
	return t;
}

static void
end(struct dialogue *d)
{
	if (d->session != NULL)
		gsasl_finish(d->session);
	str_free(&d->binding);
	str_free(&d->certificate);
	str_free(&d->challenge);
	*d = (struct dialogue){.id = 0};
}

static struct dialogue *
find(struct dialogues *t, uint64_t id)
{
	for (size_t i = 0; i < EXCHANGES_MOST; i++)
		if (t->all[i].id == id && id != 0)
			return &t->all[i];
	return NULL;
}

/* A free place, or that of the exchange that waits longest: its client will be told to try again. */
static struct dialogue *
place(struct dialogues *t)
{
	struct dialogue *oldest = &t->all[0];
	for (size_t i = 0; i < EXCHANGES_MOST; i++) {
		struct dialogue *d = &t->all[i];
		if (d->id == 0)
			return d;
		if (d->age < oldest->age)
			oldest = d;
	}
	end(oldest);
	return oldest;
}

/* --- one step ------------------------------------------------------------------------- */

static bool
is_login(const struct dialogue *d)
{
	return strcmp(d->mechanism->name, "LOGIN") == 0;
}

/* LOGIN's prompts that clients know; libgsasl's own are others. */
static struct slice
challenge_of(const struct dialogue *d, const struct str *made)
{
	if (!is_login(d))
		return str_slice(made);
	return slice_of(d->steps == 1 ? "Username:" : "Password:");
}

static void
say_more(struct dialogue *d, const struct str *made)
{
	struct packet *p = d->hasher->packet;
	struct str text = STR_MOST(2 * BLOB_MOST);
	if (base64_encode(&text, challenge_of(d, made))) {
		packet_begin(p, "more");
		packet_add(p, str_slice(&text));
	} else {
		hasher_later(d->hasher, "no memory");
		end(d);
	}
	str_free(&text);
}

static void
run(struct dialogue *d, struct slice input)
{
	struct str output = STR_MOST(BLOB_MOST);
	enum step s = d->session != NULL ? library_step(d, input, &output) : cram_step(d, input, &output);
	d->steps++;
	if (s == STEP_RIGHT && output.len == 0)
		hasher_ok(d->hasher, "", d->class);
	if (s == STEP_WRONG)
		hasher_no(d->hasher, d->why[0] != '\0' ? d->why : "the response is malformed", d->class);
	/* SMTP, IMAP and POP3 have no place for a last word in their success: the client answers it with an empty line. */
	d->over = s == STEP_RIGHT && output.len > 0;
	if (s == STEP_MORE || d->over)
		say_more(d, &output);
	else
		end(d);
	str_free(&output);
}

/* --- what the client says ----------------------------------------------------------------- */

static void
refuse(struct dialogue *d, const char *why)
{
	hasher_no(d->hasher, why, "");
	end(d);
}

/* RFC 4616: PLAIN has two NULs; elsewhere one would cut a name or a password short. */
static bool
nuls_ok(const struct dialogue *d, struct slice input)
{
	unsigned nuls = 0;
	for (size_t i = 0; i < input.len; i++)
		nuls += input.data[i] == '\0';
	return nuls == (d->over ? 0 : d->mechanism->nuls);
}

static void
take(struct dialogue *d, struct slice input)
{
	if (d->over && input.len == 0) {
		hasher_ok(d->hasher, "", d->class);
		end(d);
	} else if (d->over) {
		refuse(d, "the client goes on after the end");
	} else if (input.len == 0 && !d->mechanism->empty) {
		/* libgsasl takes it for none and would ask again. */
		refuse(d, "the response is empty");
	} else if (!nuls_ok(d, input)) {
		refuse(d, "a NUL in the response, or too few or too many of them");
	} else {
		run(d, input);
	}
}

/* "=" is an empty initial response (RFC 4954 section 4). */
static void
take_base64(struct dialogue *d, const char *text)
{
	struct str input = STR_MOST(BLOB_MOST);
	if (strcmp(text, "=") == 0 || base64_decode(&input, slice_of(text)))
		take(d, str_slice(&input));
	else
		refuse(d, "the response is not base64, or too long");
	if (input.data != NULL)
		explicit_bzero(input.data, input.room);
	str_free(&input);
}

/* --- the jobs --------------------------------------------------------------------------------- */

/* Why the mechanism cannot run on this line; NULL: it can. */
static const char *
missing(const struct mechanism *m, const char *binding, const char *certificate)
{
	if (m == NULL)
		return "unknown mechanism";
	if (m->binding && binding[0] == '\0')
		return "the line has no channel binding";
	if (m->certificate && certificate[0] == '\0')
		return "the client has shown no certificate";
	return NULL;
}

static bool
start(struct dialogues *t, struct dialogue *d, const char *binding, const char *certificate)
{
	d->hasher = t->hasher;
	d->age = ++t->clock;
	d->class = "";
	d->binding = STR_MOST(BLOB_MOST);
	d->certificate = STR_MOST(BLOB_MOST);
	if (!str_append_text(&d->binding, binding) || !str_append_text(&d->certificate, certificate))
		return false;
	if (strcmp(d->mechanism->name, "CRAM-MD5") == 0)
		return true;
	if (gsasl_server_start(t->library, d->mechanism->name, &d->session) != GSASL_OK)
		return false;
	gsasl_session_hook_set(d->session, d);
	return true;
}

void
sasl_begin(struct dialogues *t, uint64_t id, const char *mechanism, const char *binding, const char *certificate,
    const char *initial)
{
	const struct mechanism *m = mechanism_find(slice_of(mechanism));
	const char *why = missing(m, binding, certificate);
	if (why != NULL) {
		hasher_no(t->hasher, why, "");
		return;
	}
	struct dialogue *d = place(t);
	*d = (struct dialogue){.id = id, .mechanism = m};
	if (!start(t, d, binding, certificate)) {
		hasher_later(t->hasher, "the mechanism could not be started");
		end(d);
		return;
	}
	/* LOGIN's server speaks first; many clients send the user with the command nevertheless. */
	if (initial != NULL && m->prompts && !is_login(d)) {
		refuse(d, "this mechanism has no initial response");
		return;
	}
	if (initial == NULL || m->prompts)
		run(d, (struct slice){NULL, 0});
	if (initial != NULL && d->id == id)
		take_base64(d, initial);
}

void
sasl_step(struct dialogues *t, uint64_t id, const char *response)
{
	struct dialogue *d = find(t, id);
	if (d == NULL)
		hasher_later(t->hasher, "the exchange was forgotten");
	else
		take_base64(d, response);
}

void
sasl_drop(struct dialogues *t, uint64_t id)
{
	struct dialogue *d = find(t, id);
	if (d != NULL)
		end(d);
	packet_begin(t->hasher->packet, "dropped");
}
