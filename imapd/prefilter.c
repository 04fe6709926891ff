#include "imapd/prefilter.h"

#include <stdlib.h>

#include "lib/mail/charset.h"

#define PREFILTER_KNOWN (1u << PREFILTER_NEEDLES)
/* Searches in one message that come before the sketches are read: some, and one for so many messages of the folder. */
#define TRIES     4u
#define TRIES_PER 256u
#define DEAD_MOST 65536 /* bytes of dead sketches that are not worth the work of removing them */
/* To be raised when the same message is read as another text than before: decoding, charsets, folds, places of trigrams. */
#define MEANING "1"

static bool used = true;

void
prefilter_use(bool use)
{
	used = use;
}

/* --- what is asked -------------------------------------------------------------------- */

static void
collect_needles(struct prefilter *v, const struct search_key *key)
{
	for (; key != NULL; key = key->next) {
		bool text = key->kind == SEARCH_BODY || key->kind == SEARCH_TEXT;
		if (text && v->count < PREFILTER_NEEDLES)
			v->needles[v->count++] = key->needle;
		collect_needles(v, key->child);
	}
}

static void
collect(struct prefilter *v, struct scratch *scratch, const struct search_key *program)
{
	collect_needles(v, program);
	v->probes = scratch_take_array(scratch, v->count, sizeof *v->probes);
	for (size_t i = 0; i < v->count && v->probes != NULL; i++)
		trigrams_of_needle(&v->probes[i], v->needles[i]->text);
}

/* --- the file --------------------------------------------------------------------------- */

/* A text is another one where charsets are known that were not. */
static void
write_meaning(struct str *meaning)
{
	const char *name;
	str_append_text(meaning, MEANING);
	for (size_t i = 0; (name = charset_name(i)) != NULL; i++) {
		str_append_byte(meaning, ' ');
		str_append_text(meaning, name);
	}
}

static uint32_t
judge(const struct prefilter *v, struct slice sketch)
{
	uint32_t known = PREFILTER_KNOWN;
	for (size_t i = 0; i < v->count; i++)
		known |= (uint32_t)trigrams_exclude(&v->probes[i], sketch) << i;
	return known;
}

/* False: the message is gone, or has one already. */
static bool
take(struct prefilter *v, struct session *s, const struct sketch *sketch, size_t *hint)
{
	struct folder *f = &s->view.folder;
	const struct message *m = sketch_message(f, sketch, hint);
	if (m == NULL)
		return false;
	/* What the client does not know yet is not searched. */
	size_t index = (size_t)(m - f->messages);
	if (index >= s->view.announced)
		return true;
	if (v->known[index] != 0)
		return false;
	v->known[index] = judge(v, sketch->bits);
	return true;
}

/* The number of bytes of sketches that nobody needs. */
static uint64_t
read_sketches(struct prefilter *v, struct session *s)
{
	struct sketch sketch;
	size_t hint = 0;
	uint64_t dead = 0;
	while (sketches_next(&v->file, &sketch))
		dead += take(v, s, &sketch, &hint) ? 0 : sketch.size;
	return dead;
}

/* Those of messages that are still there. */
static void
remove_dead(struct prefilter *v, struct session *s)
{
	struct sketch sketch;
	size_t hint = 0;
	for (size_t i = 0; i < s->view.announced; i++)
		v->known[i] = 0;
	sketches_keep_begin(&v->file);
	while (sketches_next(&v->file, &sketch))
		if (take(v, s, &sketch, &hint) && !sketches_keep(&v->file, &sketch))
			return;
	sketches_kept(&v->file);
}

static void
begin(struct prefilter *v, struct session *s, const struct search_key *program)
{
	struct str meaning = STR_MOST(8192);
	v->begun = true;
	v->file.fd = -1;
	collect(v, &s->scratch, program);
	v->known = scratch_take_array(&s->scratch, s->view.announced, sizeof *v->known);
	write_meaning(&meaning);
	bool ready = v->known != NULL && v->probes != NULL && !meaning.failed;
	if (ready && sketches_open(&v->file, &s->view.folder, str_slice(&meaning))) {
		uint64_t dead = read_sketches(v, s);
		if (v->file.writes && dead > DEAD_MOST && dead > v->file.end / 2)
			remove_dead(v, s);
	}
	str_free(&meaning);
}

void
prefilter_end(struct prefilter *v)
{
	if (v->begun)
		sketches_close(&v->file);
	free(v->trigrams);
	v->trigrams = NULL;
}

/* --- one message ---------------------------------------------------------------------------- */

static bool
is_ready(struct prefilter *v, struct session *s, const struct search_key *program)
{
	if (!used || v->begun)
		return used && v->known != NULL;
	if (++v->tries <= TRIES + s->view.announced / TRIES_PER)
		return false;
	begin(v, s, program);
	return v->known != NULL;
}

bool
prefilter_excludes(struct prefilter *v, struct session *s, const struct search_key *program, const struct needle *needle, size_t index)
{
	if (!is_ready(v, s, program))
		return false;
	for (size_t i = 0; i < v->count; i++)
		if (v->needles[i] == needle)
			return v->known[index] >> i & 1;
	return false;
}

/* Of one that does not fit in memory another part may be there the next time. */
struct trigrams *
prefilter_gather(struct prefilter *v, const struct body *b, size_t index)
{
	if (!v->begun || !v->file.writes || v->known[index] != 0 || b->text.len != b->size)
		return NULL;
	if (v->trigrams == NULL)
		v->trigrams = malloc(sizeof *v->trigrams);
	if (v->trigrams != NULL)
		trigrams_clear(v->trigrams);
	return v->trigrams;
}

void
prefilter_learn(struct prefilter *v, struct session *s, const struct body *b, size_t index)
{
	v->known[index] = PREFILTER_KNOWN;
	sketches_add(&v->file, &s->view.folder.messages[index], b->inode, trigrams_sketch(v->trigrams));
}
