/* From the index into the view. */
#include <stdlib.h>
#include <string.h>

#include "lib/store/index.h"
#include "lib/store/scan.h"

#define LINE_LEAST 32 /* bytes of a line of the UID list, but for names that are shorter than what any program makes */
#define BATCH_MOST (8u << 20) /* bytes of records and texts that wait */

enum { STRS = 8 };

static void
all_strs(struct folder_index *x, struct str *strs[STRS])
{
	struct str *const all[STRS] = {&x->messages, &x->facts, &x->gone, &x->learned, &x->texts, &x->deliveries, &x->composed,
	    &x->lost};
	memcpy(strs, all, sizeof all);
}

bool
index_prepare(struct folder *f)
{
	if (f->index != NULL)
		return true;
	f->index = calloc(1, sizeof *f->index);
	if (f->index == NULL)
		return false;
	f->index->file.fd = -1;
	struct str *strs[STRS];
	all_strs(f->index, strs);
	for (size_t i = 0; i < STRS; i++)
		*strs[i] = STR_MOST(BATCH_MOST);
	return true;
}

void
index_free(struct folder *f)
{
	struct folder_index *x = f->index;
	if (x == NULL)
		return;
	struct str *strs[STRS];
	all_strs(x, strs);
	for (size_t i = 0; i < STRS; i++)
		str_free(strs[i]);
	index_file_close(&x->file);
	free(x);
	f->index = NULL;
}

/* --- records ------------------------------------------------------------------------- */

struct message *
index_find_uid(struct folder *f, uint32_t uid, size_t *hint)
{
	if (*hint < f->count && f->messages[*hint].uid == uid)
		return &f->messages[(*hint)++];
	size_t place = folder_place_of(f, uid);
	*hint = place + 1;
	return place < f->count && f->messages[place].uid == uid ? &f->messages[place] : NULL;
}

#define EACH_BYTE(byte) (UINT64_MAX / 0xff * (byte))

/* Not 0: one of the eight bytes is 0 (and then perhaps others are taken for it). */
static uint64_t
zero_in(uint64_t word)
{
	return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

static uint64_t
bad_in(uint64_t word)
{
	uint64_t control = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
	return control | zero_in(word ^ EACH_BYTE(0x7f)) | zero_in(word ^ EACH_BYTE('/'));
}

/* Whether a byte is a control character or a slash. Names are 50 bytes long and a folder has many: eight bytes a step, the last ones twice. */
static bool
is_bad(struct slice name)
{
	uint64_t word, bad = 0;
	size_t at = 0;
	for (; name.len - at >= sizeof word; at += sizeof word) {
		memcpy(&word, name.data + at, sizeof word);
		bad |= bad_in(word);
	}
	if (at > 0) {
		memcpy(&word, name.data + name.len - sizeof word, sizeof word);
		return (bad | bad_in(word)) != 0;
	}
	for (; at < name.len; at++)
		bad |= bad_in(EACH_BYTE((unsigned char)name.data[at]));
	return bad != 0;
}

/* What could be no file of the folder is not opened as one, whatever its checksum says. */
static bool
name_ok(const struct index_message *r, struct slice name)
{
	if (name.len == 0 || r->base_len == 0 || r->base_len > name.len || name.data[0] == '.' || is_bad(name))
		return false;
	return (r->base_len == name.len || name.data[r->base_len] == ':') && !slice_has(slice_first(name, r->base_len), ':');
}

static bool
add_message(struct folder *f, const struct index_message *r, struct slice name)
{
	const struct name_parts parts = {.base = slice_first(name, r->base_len), .flags = r->flags, .keywords = r->keywords};
	struct message *m = scan_append(f, name, &parts);
	if (m == NULL)
		return false;
	m->uid = r->head.uid;
	m->modseq = r->modseq;
	m->in_new = r->in_new != 0;
	m->indexed = true;
	f->scan->highest = m->uid;
	return true;
}

static bool
change_message(struct folder *f, struct message *m, const struct index_message *r, struct slice name)
{
	if (m->vanished || !slice_equal(slice_make(m->name, m->base_len), slice_first(name, r->base_len))) {
		f->index->recheck = true;
		return true;
	}
	m->changed = m->changed || m->flags != r->flags || m->keywords != r->keywords;
	m->flags = r->flags;
	m->keywords = r->keywords;
	m->modseq = r->modseq;
	m->in_new = r->in_new != 0;
	m->unnoted = false;
	m->indexed = true;
	return slice_is(name, m->name) || scan_rename(f, m, name);
}

static bool
apply_message(struct folder *f, const struct index_message *r, struct slice behind, size_t *hint)
{
	struct slice name = slice_first(behind, r->name_len);
	if (r->head.uid == 0 || r->name_len > behind.len || !name_ok(r, name) || r->modseq > f->index->file.state.modseq)
		return false;
	if (r->head.uid > f->scan->highest)
		return add_message(f, r, name);
	struct message *m = index_find_uid(f, r->head.uid, hint);
	if (m != NULL)
		return change_message(f, m, r, name);
	/* It went while this view looked elsewhere, or the file is not in order: the directories will tell. */
	f->index->recheck = true;
	return true;
}

/* Facts of a message that has no UID yet. Too many are forgotten: they can be had from the message again. */
static bool
keep_delivery(struct folder *f, const struct index_facts *r, struct slice behind, uint64_t at)
{
	struct index_facts waiting = *r;
	if (r->base_len == 0 || r->base_len > NAME_MOST || r->base_len > behind.len)
		return false;
	waiting.head.sum = at; /* where it stands; the checksum has been looked at */
	if (at >= f->index->file.state.adopted)
		index_record_add(&f->index->deliveries, &waiting, sizeof waiting, slice_first(behind, r->base_len));
	return true;
}

static bool
apply_facts(struct folder *f, const struct index_facts *r, struct slice behind, uint64_t at, size_t *hint)
{
	if (r->head.uid == 0)
		return keep_delivery(f, r, behind, at);
	struct message *m = index_find_uid(f, r->head.uid, hint);
	if (m == NULL)
		return true;
	/* Two sessions have seen two files under this name: the directory tells which is there. */
	if (m->seen && m->inode != 0 && m->inode != r->inode) {
		f->index->recheck = true;
		return true;
	}
	m->facts = at;
	m->inode = r->inode;
	m->date = r->date;
	index_know_sent(m, r);
	m->wire_size = r->wire_size;
	return true;
}

static bool
apply_gone(struct folder *f, const struct index_gone *r, size_t *hint)
{
	struct message *m = index_find_uid(f, r->head.uid, hint);
	if (m != NULL && !m->vanished) {
		m->vanished = true;
		f->vanished++;
	}
	if (m != NULL)
		m->unnoted = false;
	return true;
}

static bool
apply_records(struct folder *f, enum index_kind kind, struct slice records, uint64_t at)
{
	union {
		struct index_message message;
		struct index_facts facts;
		struct index_gone gone;
	} r;
	size_t hint = f->count, size = kind == INDEX_MESSAGES ? sizeof r.message
	    : kind == INDEX_FACTS ? sizeof r.facts : sizeof r.gone;
	const struct index_state *s = &f->index->file.state;
	if (kind < INDEX_MESSAGES || kind > INDEX_GONE)
		return kind == INDEX_TEXTS;
	while (records.len > 0) {
		struct slice behind;
		uint64_t here = at;
		if (!index_record_next(s, kind, &records, &at, &r, size, &behind))
			return false;
		bool ok = kind == INDEX_MESSAGES ? apply_message(f, &r.message, behind, &hint)
		    : kind == INDEX_FACTS ? apply_facts(f, &r.facts, behind, here, &hint) : apply_gone(f, &r.gone, &hint);
		if (!ok)
			return false;
	}
	return true;
}

/* --- following ----------------------------------------------------------------------- */

/* The file that bears the name now, its state as it is now. */
static bool
get_state(struct folder *f)
{
	struct folder_index *x = f->index;
	if (x->depth > 0 && x->locked)
		return true;
	if (index_file_current(&x->file, f->directory))
		return index_file_reread(&x->file);
	index_file_close(&x->file);
	return index_file_open(&x->file, f->directory);
}

bool
index_peek(struct folder *f)
{
	struct folder_index *x = f->index;
	x->usable = get_state(f);
	bool believed = x->usable && index_doubts(f) == 0;
	x->usable = false;
	return believed;
}

/* How many messages there may be: one has a UID, a line in the list, and a record. */
static void
make_room(struct folder *f)
{
	const struct index_state *s = &f->index->file.state;
	uint64_t most = s->list.size / LINE_LEAST, records = s->end / sizeof(struct index_message);
	most = most < s->uidnext ? most : s->uidnext;
	scan_expect(f, most < records ? most : records, s->list.size < s->end ? s->list.size : s->end);
}

static bool
read_blocks(struct folder *f)
{
	struct folder_index *x = f->index;
	if (f->count == 0)
		make_room(f);
	while (x->read_to < x->file.state.end) {
		enum index_kind kind;
		struct slice records;
		uint64_t at;
		if (!index_file_block(&x->file, &x->read_to, &kind, &records, &at) || !apply_records(f, kind, records, at))
			return false;
		x->news = true;
	}
	return true;
}

static bool
begin_following(struct folder *f)
{
	struct folder_index *x = f->index;
	const struct index_state *s = &x->file.state;
	if (f->uidvalidity != 0 && s->uidvalidity != f->uidvalidity)
		return false;
	if (x->id == s->id)
		return x->read_to <= s->end;
	/* Another file: one that was written anew. All is read again; places of facts were the old one's. */
	x->id = s->id;
	x->read_to = sizeof *s;
	x->recheck = f->count > 0;
	x->broken = false;
	str_clear(&x->deliveries);
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].facts = 0;
	return true;
}

bool
index_follow(struct folder *f)
{
	struct folder_index *x = f->index;
	x->usable = get_state(f) && begin_following(f) && read_blocks(f);
	if (x->usable) {
		x->followed = x->locked;
		if (f->highest_modseq < x->file.state.modseq)
			f->highest_modseq = x->file.state.modseq;
		return true;
	}
	/* Locked, there is nobody who is just writing it: it must be made anew. */
	x->broken = x->broken || x->locked;
	x->id = 0;
	return false;
}
