/* A delivery tells the index what it has in memory anyway, so that nobody need read the message to list it. */
#include <string.h>
#include <sys/stat.h>

#include "lib/store/facts.h"
#include "lib/store/index.h"

#define PATIENCE 200 /* ms: a delivery does not wait long for what a session can find out by itself */

static bool
append(struct index_file *x, struct index_facts *r, struct str *texts, struct slice base)
{
	static struct str record = STR_MOST(INDEX_BLOCK_MOST);
	str_clear(&record);
	r->text_at = x->state.end + sizeof(struct index_block);
	return index_file_append(x, INDEX_TEXTS, texts) && index_record_add(&record, r, sizeof *r, base)
	    && index_file_append(x, INDEX_FACTS, &record) && index_file_commit(x);
}

void
index_deliver(const struct index_delivery *d)
{
	struct index_file x;
	/* Kept for the next delivery: pages that go back to the kernel cost more than all that is done with them. */
	static struct str texts = STR_MOST(FACTS_MOST);
	struct facts_texts made;
	struct stat st;
	str_clear(&texts);
	bool sound = index_file_open(&x, d->directory);
	if (sound && fstat(d->file, &st) == 0) {
		struct index_facts r = {.inode = st.st_ino, .size = (uint64_t)st.st_size, .wire_size = d->wire_size,
		    .date = st.st_mtime, .sent = INT64_MIN, .base_len = (uint32_t)strlen(d->base)};
		if (d->text.data != NULL && facts_compose(&texts, d->text, &made))
			facts_fill(&r, &made);
		else
			str_clear(&texts);
		if (index_file_lock(&x, d->directory, PATIENCE, &sound) && sound)
			append(&x, &r, &texts, slice_of(d->base));
	}
	/* Closing gives the lock back. */
	index_file_close(&x);
}
