/* Facts of messages in the index, and the expunges that it remembers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/index.h"
#include "lib/store/scan.h"

#define LEARN_AT 262144u /* bytes of texts that are written together */

static bool
is_of(const struct index_facts *r, struct slice behind, const struct message *m)
{
	if (r->head.uid != 0)
		return r->head.uid == m->uid;
	return slice_equal(slice_first(behind, r->base_len), slice_make(m->name, m->base_len));
}

bool
index_facts_of(struct folder *f, const struct message *m, struct index_facts *facts)
{
	struct folder_index *x = f->index;
	if (x == NULL || m->facts == 0 || x->file.fd < 0 || x->id != x->file.state.id)
		return false;
	struct index_record head;
	const char *bytes = index_file_bytes(&x->file, m->facts, sizeof head);
	if (bytes == NULL)
		return false;
	memcpy(&head, bytes, sizeof head);
	if (head.len > sizeof *facts + NAME_MOST + sizeof(uint64_t))
		return false;
	bytes = index_file_bytes(&x->file, m->facts, head.len);
	if (bytes == NULL)
		return false;
	struct slice record = slice_make(bytes, head.len), behind;
	uint64_t at = m->facts;
	if (!index_record_next(&x->file.state, INDEX_FACTS, &record, &at, facts, sizeof *facts, &behind))
		return false;
	uint64_t texts = (uint64_t)facts->envelope + facts->structure + facts->header;
	return is_of(facts, behind, m) && (m->inode == 0 || m->inode == facts->inode) && texts <= INDEX_BLOCK_MOST;
}

void
index_know_sent(struct message *m, const struct index_facts *facts)
{
	int64_t after;
	m->sent_after = SENT_UNKNOWN;
	bool known = facts->envelope > 0 && facts->sent != INT64_MIN && facts->date != 0 && facts->date == m->date;
	if (known && !__builtin_sub_overflow(facts->sent, facts->date, &after) && after > INT32_MIN && after <= INT32_MAX)
		m->sent_after = (int32_t)after;
}

/* --- learning -------------------------------------------------------------------------- */

/* Those that are still true, now that the places are known. */
static bool
place_learned(struct folder *f, uint64_t texts, uint64_t place)
{
	struct folder_index *x = f->index;
	struct index_facts r;
	bool ok = true;
	for (size_t at = 0; at < x->learned.len && ok; at += r.head.len) {
		memcpy(&r, x->learned.data + at, sizeof r);
		size_t hint = 0;
		struct message *m = index_find_uid(f, r.head.uid, &hint);
		if (m == NULL || m->inode != r.inode)
			continue;
		r.text_at += texts;
		m->facts = place + x->facts.len;
		index_know_sent(m, &r);
		ok = index_record_add(&x->facts, &r, sizeof r, slice_make(NULL, 0));
	}
	return ok;
}

static bool
append_learned(struct folder *f)
{
	struct folder_index *x = f->index;
	uint64_t texts = x->file.state.end + sizeof(struct index_block);
	return index_file_append(&x->file, INDEX_TEXTS, &x->texts)
	    && place_learned(f, texts, x->file.state.end + sizeof(struct index_block))
	    && index_file_append(&x->file, INDEX_FACTS, &x->facts);
}

/* The memory stays for what a long command learns next. */
static void
write_learned(struct folder *f)
{
	struct folder_index *x = f->index;
	int saved = errno;
	if (x->usable && x->learned.len > 0) {
		index_begin(f);
		/* Another file than the one that the view has read: places in it would be mixed with places in the old one. */
		bool same = x->locked && !x->broken && x->file.state.id == x->id;
		if (same && !append_learned(f))
			x->broken = true;
		index_end(f);
	}
	str_clear(&x->learned);
	str_clear(&x->texts);
	errno = saved;
}

void
index_write_learned(struct folder *f)
{
	struct folder_index *x = f->index;
	if (x == NULL)
		return;
	write_learned(f);
	str_free(&x->learned);
	str_free(&x->texts);
}

void
index_learn(struct folder *f, struct message *m, const struct index_facts *facts, struct slice texts)
{
	struct folder_index *x = f->index;
	struct index_facts r = *facts;
	if (x == NULL || !x->usable || m->uid == 0 || m->vanished)
		return;
	r.head.uid = m->uid;
	r.base_len = 0;
	r.text_at = x->texts.len;
	if (!str_append_slice(&x->texts, texts) || !index_record_add(&x->learned, &r, sizeof r, slice_make(NULL, 0)))
		return;
	if (x->texts.len >= LEARN_AT || x->learned.len >= INDEX_BLOCK_GOOD)
		write_learned(f);
}

/* --- what has gone --------------------------------------------------------------------- */

void
gone_list_add(struct gone_list *l, const struct index_gone *record)
{
	if (l->gone == NULL)
		l->gone = calloc(INDEX_GONE_KEPT, sizeof *l->gone);
	if (l->gone == NULL || l->count == INDEX_GONE_KEPT) {
		const struct index_gone *oldest = l->gone == NULL ? record : &l->gone[l->first];
		l->forgotten = oldest->modseq > l->forgotten ? oldest->modseq : l->forgotten;
	}
	if (l->gone == NULL)
		return;
	l->gone[(l->first + l->count) % INDEX_GONE_KEPT] = *record;
	if (l->count < INDEX_GONE_KEPT)
		l->count++;
	else
		l->first = (l->first + 1) % INDEX_GONE_KEPT;
}

bool
index_gone_read(struct folder *f, struct gone_list *l)
{
	struct index_file *x = &f->index->file;
	uint64_t at = sizeof x->state, place;
	*l = (struct gone_list){.forgotten = x->state.forgotten};
	while (at < x->state.end) {
		enum index_kind kind;
		struct slice records, behind;
		struct index_gone record;
		bool ok = index_file_block(x, &at, &kind, &records, &place);
		while (ok && kind == INDEX_GONE && records.len > 0) {
			ok = index_record_next(&x->state, kind, &records, &place, &record, sizeof record, &behind);
			if (ok)
				gone_list_add(l, &record);
		}
		if (!ok) {
			free(l->gone);
			l->gone = NULL;
			return false;
		}
	}
	return true;
}
