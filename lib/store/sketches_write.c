/* Writing the sketches of a folder's messages, under the file's lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/index_file.h"
#include "lib/store/sketch_record.h"

uint64_t
sketch_sum(uint64_t id, const char *record, size_t len)
{
	return index_sum(id, record + sizeof(uint64_t), len - sizeof(uint64_t));
}

void
sketches_cut(struct sketch_file *x, uint64_t end)
{
	struct stat st;
	if (x->writes && fstat(x->fd, &st) == 0 && (uint64_t)st.st_size > end)
		x->writes = ftruncate(x->fd, (off_t)end) == 0;
}

/* Where there is no room, nothing more is tried, and what was written by half is taken away. */
static bool
write_pending(struct sketch_file *x, uint64_t *at)
{
	size_t len = x->pending.len;
	if (x->writes && !x->pending.failed && file_write_at(x->fd, x->pending.data, len, (off_t)*at)) {
		*at += len;
		str_clear(&x->pending);
		return true;
	}
	sketches_cut(x, *at);
	x->writes = false;
	str_free(&x->pending);
	return false;
}

static bool
add_record(struct sketch_file *x, struct sketch_record *r, struct slice bits, uint64_t *at)
{
	size_t start = x->pending.len;
	if (!str_append(&x->pending, r, sizeof *r) || !str_append_slice(&x->pending, bits))
		return write_pending(x, at);
	r->sum = sketch_sum(x->id, x->pending.data + start, sizeof *r + bits.len);
	memcpy(x->pending.data + start, &r->sum, sizeof r->sum);
	return x->pending.len < SKETCHES_PENDING_GOOD || write_pending(x, at);
}

bool
sketches_add(struct sketch_file *x, const struct message *m, uint64_t inode, struct slice bits)
{
	struct sketch_record r = {.len = (uint32_t)bits.len, .uid = m->uid, .inode = inode, .name = sketch_name(m)};
	return x->writes && add_record(x, &r, bits, &x->end);
}

void
sketches_close(struct sketch_file *x)
{
	int saved = errno;
	if (x->pending.len > 0)
		write_pending(x, &x->end);
	str_free(&x->pending);
	free(x->window);
	x->window = NULL;
	x->fd = directory_close(x->fd);
	x->writes = false;
	errno = saved;
}

/* --- removing ---------------------------------------------------------------------- */

void
sketches_keep_begin(struct sketch_file *x)
{
	x->end = x->kept = sizeof(struct sketch_head);
	x->start = x->len = 0;
	str_clear(&x->pending);
}

/* Never beyond what was read: what is kept is no more than that. */
bool
sketches_keep(struct sketch_file *x, const struct sketch *s)
{
	struct sketch_record r = {.len = (uint32_t)s->bits.len, .uid = s->uid, .inode = s->inode, .name = s->name};
	return x->writes && add_record(x, &r, s->bits, &x->kept);
}

bool
sketches_kept(struct sketch_file *x)
{
	bool ok = x->writes && write_pending(x, &x->kept);
	sketches_cut(x, x->kept);
	x->end = x->kept;
	x->start = x->len = 0;
	return ok && x->writes;
}
