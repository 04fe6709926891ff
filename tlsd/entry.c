#include "tlsd/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define DAY         (24 * 3600)
#define NOTICE_DAYS 30
#define WARN_DAYS   14
#define NEVER       INT64_MAX

struct entry *
entry_new(const char *name, const char *certificate, const char *key, const char *response)
{
	struct entry *e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	e->name = strdup(name);
	e->files[ENTRY_CERTIFICATE] = strdup(certificate);
	e->files[ENTRY_KEY] = strdup(key);
	e->files[ENTRY_RESPONSE] = strdup(response);
	e->days_told = NEVER;
	if (e->name != NULL && e->files[0] != NULL && e->files[1] != NULL && e->files[2] != NULL)
		return e;
	entry_free(e);
	return NULL;
}

void
entry_free(struct entry *e)
{
	if (e == NULL)
		return;
	for (int i = 0; i < ENTRY_FILES; i++)
		free(e->files[i]);
	free(e->name);
	pair_free(&e->pair);
	free(e);
}

/* --- reading again ---------------------------------------------------------------------- */

/* Takes the stamps of the files; whether they are those of before. */
static bool
unchanged(struct entry *e)
{
	bool same = true;
	e->settled = true;
	for (int i = 0; i < ENTRY_FILES; i++) {
		struct stamp now = stamp_of(e->files[i]);
		same = stamp_equal(&now, &e->seen[i]) && same;
		e->settled = stamp_settled(&now) && e->settled;
		e->seen[i] = now;
	}
	return same;
}

/* Says it once: a file that stays as it is gives no second line. */
static void
complain(struct entry *e, const struct fault *fault)
{
	if (strcmp(e->refused, fault->reason) == 0)
		return;
	memcpy(e->refused, fault->reason, sizeof e->refused);
	log_error("certificate-refused", log_text("file", fault->file), log_text("reason", fault->reason),
	    log_text("hint", fault->hint), log_text(e->id != 0 ? "meanwhile" : NULL, "the one from before goes on"));
}

static void
complain_about_response(struct entry *e)
{
	const char *fault = e->pair.response_fault != NULL ? e->pair.response_fault : "";
	if (strcmp(e->complained, fault) == 0)
		return;
	snprintf(e->complained, sizeof e->complained, "%s", fault);
	if (fault[0] != '\0')
		log_warning("ocsp-refused", log_text("file", e->files[ENTRY_RESPONSE]), log_text("reason", fault),
		    log_text("hint", "no response is stapled; fetch a new one with openssl ocsp -respout, or remove the file"));
}

/* Nothing that has expired replaces what has not: somebody has put back an old file. */
static bool
is_late(const struct entry *e, const struct pair *new, struct fault *fault)
{
	int64_t now = clock_unix();
	if (e->id == 0 || new->ends > now || e->pair.ends <= now)
		return false;
	*fault = (struct fault){.file = e->files[ENTRY_CERTIFICATE],
	    .reason = "it has expired", .hint = "put the renewed certificate and its key there"};
	return true;
}

/* A renewal that is not valid yet waits while there is another one; nothing is better than it. */
static bool
must_wait(const struct entry *e, const struct pair *new, struct fault *fault)
{
	if (new->begins <= clock_unix() || e->id == 0)
		return false;
	*fault = (struct fault){.file = e->files[ENTRY_CERTIFICATE],
	    .reason = "it is not valid yet", .hint = "it is taken when its time begins; look at this machine's clock"};
	return true;
}

static bool
is_same(const struct pair *a, const struct pair *b)
{
	return slice_equal(slice_make(a->chain, a->chain_len), slice_make(b->chain, b->chain_len)) &&
	    slice_equal(slice_make(a->response, a->response_len), slice_make(b->response, b->response_len));
}

/* What is fit is taken; what was read again and is the same changes nothing but what is said of the OCSP response. */
static enum entry_result
take(struct entry *e, struct pair *new, struct pair *before)
{
	bool same = e->id != 0 && is_same(&e->pair, new);
	e->refused[0] = '\0';
	if (same) {
		e->pair.response_fault = new->response_fault;
		pair_free(new);
	} else {
		*before = e->pair;
		e->pair = *new;
		e->days_told = NEVER;
	}
	complain_about_response(e);
	return same ? ENTRY_SAME : ENTRY_NEW;
}

enum entry_result
entry_look(struct entry *e, bool again, struct pair_rules *rules, struct pair *before)
{
	bool was_settled = e->settled;
	struct pair new;
	struct fault fault;
	if (unchanged(e) && was_settled && !again)
		return ENTRY_SAME;
	struct pair_files files = {e->files[ENTRY_CERTIFICATE], e->files[ENTRY_KEY], e->files[ENTRY_RESPONSE]};
	if (!pair_load(&new, &files, rules, &fault)) {
		complain(e, &fault);
		return ENTRY_UNFIT;
	}
	if (is_late(e, &new, &fault) || must_wait(e, &new, &fault)) {
		pair_free(&new);
		complain(e, &fault);
		e->settled = false; /* time alone makes it fit, or the other one as bad */
		return ENTRY_UNFIT;
	}
	return take(e, &new, before);
}

/* --- the ends of certificates ------------------------------------------------------------- */

/* Thirty days, but no more than the last third of a certificate's life, when renewal is due. */
static int64_t
notice_time(const struct pair *pair)
{
	int64_t third = (pair->ends - pair->begins) / 3;
	return third < NOTICE_DAYS * DAY ? third : NOTICE_DAYS * DAY;
}

static void
note_end(struct entry *e, int64_t now)
{
	int64_t left = e->pair.ends - now;
	int64_t days = left >= 0 ? left / DAY : -1 - -left / DAY;
	if (left > notice_time(&e->pair) || days == e->days_told)
		return;
	e->days_told = days;
	log_event(days < WARN_DAYS ? LOG_WARNING : LOG_INFO, "certificate-expires",
	    log_text("file", e->files[ENTRY_CERTIFICATE]), log_text("names", str_text(&e->pair.names)),
	    log_text("reason", left < 0 ? "it has expired" : "it expires soon"), log_number("days", days),
	    log_text("hint", "renew it; the new files are taken by themselves"));
}

static void
note_begin(struct entry *e, int64_t now)
{
	if (e->pair.begins <= now || e->days_told != NEVER)
		return;
	e->days_told = NEVER - 1;
	log_warning("certificate-expires", log_text("file", e->files[ENTRY_CERTIFICATE]),
	    log_text("reason", "it is not valid yet"), log_text("hint", "look at this machine's clock"));
}

static void
note_response(struct entry *e, int64_t now)
{
	if (e->pair.response == NULL || e->pair.response_ends > now)
		return;
	free(e->pair.response);
	e->pair.response = NULL;
	e->pair.response_fault = "it has expired";
	complain_about_response(e);
}

void
entry_note_times(struct entry *e, int64_t now)
{
	if (e->id == 0)
		return;
	note_end(e, now);
	note_begin(e, now);
	note_response(e, now);
}
