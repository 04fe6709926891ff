/* What a message is: from its name, from the index, or from its file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/mail/crlf.h"
#include "lib/store/directory.h"
#include "lib/store/facts.h"
#include "lib/store/index.h"
#include "lib/store/message.h"
#include "lib/store/scan.h"

#define EARLY 86400 /* seconds that a name may lie ahead of the clock */

/* The index learns what a file has just said; nothing is lost when it cannot. */
static void
learn(struct folder *f, struct message *m, const struct stat *st, struct slice texts, const struct facts_texts *made)
{
	if (m->inode != 0 && m->inode != st->st_ino)
		return;
	m->inode = st->st_ino;
	if (m->date == 0)
		m->date = st->st_mtime;
	struct index_facts facts = {.inode = m->inode, .size = (uint64_t)st->st_size,
	    .wire_size = m->wire_size == SIZE_UNKNOWN ? INDEX_UNKNOWN : m->wire_size, .date = m->date, .sent = INT64_MIN};
	if (made != NULL)
		facts_fill(&facts, made);
	index_learn(f, m, &facts, texts);
}

static void
learn_file(struct folder *f, struct message *m, struct slice texts, const struct facts_texts *made)
{
	struct stat st;
	if (m->uid != 0 && f->index != NULL && f->index->opened_uid == m->uid)
		learn(f, m, &f->index->opened, texts, made);
	else if (message_stat(f, m, &st))
		learn(f, m, &st, texts, made);
}

/* Bytes, and one more for each LF without a CR before it. */
static bool
count_wire_size(int fd, uint64_t *size)
{
	char buffer[16384];
	bool carriage = false;
	*size = 0;
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		*size += crlf_size(slice_make(buffer, (size_t)n), &carriage);
	}
}

static bool
read_size(struct folder *f, struct message *m)
{
	struct name_parts parts;
	if (name_parse(slice_of(m->name), &parts) && parts.has_wire_size) {
		m->wire_size = parts.wire_size;
		return true;
	}
	int fd = folder_open_message(f, m);
	bool ok = fd >= 0 && count_wire_size(fd, &m->wire_size);
	directory_close(fd);
	if (ok && m->facts == 0)
		learn_file(f, m, slice_make(NULL, 0), NULL);
	return ok;
}

bool
folder_message_size(struct folder *f, struct message *m, uint64_t *size)
{
	if (m->wire_size == SIZE_UNKNOWN && !read_size(f, m)) {
		m->wire_size = SIZE_UNKNOWN;
		return false;
	}
	*size = m->wire_size;
	return true;
}

bool
folder_message_date(struct folder *f, struct message *m, time_t *date)
{
	struct stat st;
	if (m->date == 0) {
		if (!message_stat(f, m, &st))
			return false;
		m->date = st.st_mtime;
		if (m->facts == 0)
			learn(f, m, &st, slice_make(NULL, 0), NULL);
	}
	*date = m->date;
	return true;
}

bool
folder_message_save_date(const struct message *m, time_t *date)
{
	struct name_parts parts;
	if (!name_parse(slice_of(m->name), &parts) || parts.time == 0 || (int64_t)parts.time > clock_unix() + EARLY)
		return false;
	*date = (time_t)parts.time;
	return true;
}

static void
split(struct message_texts *t, const struct index_facts *facts, const char *bytes)
{
	t->envelope = slice_make(bytes, facts->envelope);
	t->structure = slice_make(bytes + facts->envelope, facts->structure);
	t->header = slice_make(bytes + facts->envelope + facts->structure, facts->header);
	t->sent = facts->sent;
}

bool
folder_message_sent(struct folder *f, struct message *m, int64_t *sent)
{
	struct index_facts facts;
	if (m->facts != 0 && m->sent_after != SENT_UNKNOWN) {
		*sent = m->date + m->sent_after;
		return true;
	}
	if (m->facts == 0 || !index_facts_of(f, m, &facts) || facts.envelope == 0)
		return false;
	*sent = facts.sent;
	return true;
}

bool
folder_message_texts(struct folder *f, struct message *m, struct message_texts *t)
{
	struct index_facts facts;
	if (m->facts == 0 || !index_facts_of(f, m, &facts) || facts.envelope == 0)
		return false;
	size_t len = (size_t)facts.envelope + facts.structure + facts.header;
	const char *bytes = index_file_bytes(&f->index->file, facts.text_at, len);
	if (bytes == NULL || facts.text_sum != index_sum(facts.inode, bytes, len)) {
		m->facts = 0;
		return false;
	}
	split(t, &facts, bytes);
	return true;
}

bool
folder_message_learn(struct folder *f, struct message *m, struct slice text, struct message_texts *t)
{
	struct facts_texts made;
	struct index_facts facts = {.sent = INT64_MIN};
	if (!index_prepare(f) || !facts_compose(&f->index->composed, text, &made))
		return false;
	m->wire_size = m->wire_size == SIZE_UNKNOWN ? made.wire_size : m->wire_size;
	learn_file(f, m, str_slice(&f->index->composed), &made);
	facts_fill(&facts, &made);
	split(t, &facts, f->index->composed.data);
	return true;
}

void
folder_change_begin(struct folder *f)
{
	index_begin(f);
}

void
folder_change_end(struct folder *f)
{
	index_end(f);
}

bool
folder_expunged_since(struct folder *f, uint64_t modseq, void (*gone)(void *context, uint32_t uid), void *context)
{
	struct gone_list list;
	if (f->index == NULL || !f->index->usable || !index_gone_read(f, &list))
		return false;
	bool all = list.forgotten <= modseq;
	for (size_t i = 0; all && i < list.count; i++) {
		const struct index_gone *g = &list.gone[(list.first + i) % INDEX_GONE_KEPT];
		if (g->modseq > modseq)
			gone(context, g->head.uid);
	}
	free(list.gone);
	return all;
}
