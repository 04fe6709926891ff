/* The index made anew: when there is none that can be believed, or when most of it is waste. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/index.h"
#include "lib/store/scan.h"

#define TEXTS_GOOD 262144u /* bytes of texts from which on a new piece is begun */

struct rewriting {
	struct folder    *folder;
	struct index_file made;
	struct str        messages, facts, texts;
	size_t            first;  /* message of the piece that is being made */
};

/* A message's facts with their texts, out of the old file. What cannot be read there can be had from the message. */
static bool
copy_facts(struct rewriting *r, struct message *m)
{
	struct index_facts facts;
	struct folder_index *x = r->folder->index;
	if (!index_facts_of(r->folder, m, &facts)) {
		m->facts = 0;
		return true;
	}
	size_t len = (size_t)facts.envelope + facts.structure + facts.header;
	const char *texts = len > 0 ? index_file_bytes(&x->file, facts.text_at, len) : NULL;
	facts.text_at = r->texts.len;
	if (texts == NULL)
		facts.envelope = facts.structure = facts.header = 0;
	else
		str_append(&r->texts, texts, len);
	facts.head.uid = m->uid;
	facts.base_len = 0;
	m->facts = r->facts.len + 1; /* until the place of the block is known */
	return index_record_add(&r->facts, &facts, sizeof facts, slice_make(NULL, 0));
}

static bool
add_message(struct rewriting *r, struct message *m, uint64_t modseq)
{
	struct slice name = slice_of(m->name);
	if (m->modseq == 0)
		m->modseq = modseq;
	struct index_message record = {.head = {.uid = m->uid}, .modseq = m->modseq, .keywords = m->keywords,
	    .flags = m->flags, .in_new = m->in_new, .name_len = (uint8_t)name.len, .base_len = m->base_len};
	m->unnoted = false;
	m->indexed = true;
	return index_record_add(&r->messages, &record, sizeof record, name) && copy_facts(r, m);
}

/* Places within the texts become places in the file. */
static void
place_texts(struct str *facts, uint64_t start)
{
	struct index_facts record;
	for (size_t at = 0; at < facts->len; at += record.head.len) {
		memcpy(&record, facts->data + at, sizeof record);
		record.text_at += start;
		memcpy(facts->data + at, &record, sizeof record);
	}
}

/* Writes the piece that ends before message `end`. */
static bool
write_piece(struct rewriting *r, size_t end)
{
	struct folder *f = r->folder;
	bool ok = index_file_append(&r->made, INDEX_MESSAGES, &r->messages);
	uint64_t texts = r->made.state.end + sizeof(struct index_block);
	ok = ok && index_file_append(&r->made, INDEX_TEXTS, &r->texts);
	uint64_t facts = r->made.state.end + sizeof(struct index_block);
	place_texts(&r->facts, texts);
	ok = ok && index_file_append(&r->made, INDEX_FACTS, &r->facts);
	for (; r->first < end; r->first++)
		if (f->messages[r->first].facts != 0)
			f->messages[r->first].facts += facts - 1;
	return ok;
}

static bool
write_messages(struct rewriting *r, uint64_t modseq)
{
	struct folder *f = r->folder;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		if (m->vanished)
			m->facts = 0;
		else if (!add_message(r, m, modseq))
			return false;
		if ((r->messages.len >= INDEX_BLOCK_GOOD || r->texts.len >= TEXTS_GOOD) && !write_piece(r, i + 1))
			return false;
	}
	return write_piece(r, f->count);
}

/* --- what has gone --------------------------------------------------------------------- */

/* The last ones of the old file, and those that this view has seen going. */
static void
gather_gone(struct folder *f, struct gone_list *list, uint64_t modseq)
{
	struct index_gone record = {.modseq = modseq};
	if (!f->index->usable || !index_gone_read(f, list))
		*list = (struct gone_list){.forgotten = modseq};
	for (size_t i = 0; i < f->count; i++) {
		if (!f->messages[i].vanished || !f->messages[i].unnoted)
			continue;
		record.head.uid = f->messages[i].uid;
		gone_list_add(list, &record);
		f->messages[i].unnoted = false;
	}
	const struct str *lost = &f->index->lost;
	for (size_t at = 0; at + sizeof record.head.uid <= lost->len; at += sizeof record.head.uid) {
		memcpy(&record.head.uid, lost->data + at, sizeof record.head.uid);
		gone_list_add(list, &record);
	}
	if (lost->failed)
		list->forgotten = modseq;
}

static bool
write_gone(struct rewriting *r, uint64_t modseq)
{
	struct gone_list list = {.count = 0};
	bool ok = true;
	gather_gone(r->folder, &list, modseq);
	for (size_t i = 0; ok && i < list.count; i++) {
		struct index_gone record = list.gone[(list.first + i) % INDEX_GONE_KEPT];
		ok = index_record_add(&r->messages, &record, sizeof record, slice_make(NULL, 0));
	}
	free(list.gone);
	r->made.state.forgotten = list.forgotten;
	return ok && index_file_append(&r->made, INDEX_GONE, &r->messages);
}

static void
take_state(struct rewriting *r)
{
	struct folder *f = r->folder;
	struct index_state *s = &r->made.state;
	const struct index_state *old = &f->index->file.state;
	s->modseq = old->modseq;
	s->bound = old->bound;
	s->adopted = s->end;
	s->uidvalidity = f->uidvalidity;
	/* Without stamps the next one looks as well. */
	index_take_stamps(f, s);
}

/* Nothing that the old one said counts, but that no mod-sequence is given twice. */
static void
forget_old(struct folder *f)
{
	struct folder_index *x = f->index;
	x->file.state = (struct index_state){.modseq = f->scan->found_bound, .bound = f->scan->found_bound};
	x->modseq = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		m->modseq = m->facts = 0;
		m->inode = m->seen ? m->inode : 0;
	}
	str_free(&x->deliveries);
}

static bool
rewrite(struct rewriting *r)
{
	struct folder *f = r->folder;
	struct folder_index *x = f->index;
	uint64_t modseq = index_modseq(f);
	if (modseq == 0 || !index_file_begin(&r->made, f->directory))
		return false;
	if (!write_messages(r, modseq) || !write_gone(r, modseq))
		return false;
	take_state(r);
	if (!index_file_replace(&x->file, &r->made, f->directory))
		return false;
	x->id = x->file.state.id;
	x->read_to = x->file.state.end;
	return true;
}

bool
index_rewrite(struct folder *f)
{
	struct folder_index *x = f->index;
	struct rewriting r = {.folder = f, .made = {.fd = -1}, .messages = STR_MOST(INDEX_BLOCK_MOST),
	    .facts = STR_MOST(INDEX_BLOCK_MOST), .texts = STR_MOST(INDEX_BLOCK_MOST)};
	if (!x->usable)
		forget_old(f);
	bool ok = rewrite(&r);
	int saved = errno;
	if (ok) {
		x->usable = true;
		x->broken = false;
		str_free(&x->lost);
	} else {
		/* Places in the new one are no places in the old one. */
		for (size_t i = 0; i < f->count; i++)
			f->messages[i].facts = 0;
		index_file_close(&r.made);
		unlinkat(f->directory, INDEX_TEMPORARY, 0);
	}
	str_free(&r.messages);
	str_free(&r.facts);
	str_free(&r.texts);
	errno = saved;
	return ok;
}
