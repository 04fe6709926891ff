/* Opening and reading the sketches of a folder's messages. sketches.h has the design. */
#include "lib/store/sketches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/index.h"
#include "lib/store/sketch_record.h"

#define READ_GOOD 65536 /* bytes that are read at a time */
#define WINDOW    (READ_GOOD + sizeof(struct sketch_record) + SKETCH_MOST)

static uint64_t
head_sum(const struct sketch_head *h)
{
	return index_sum(h->id, h, offsetof(struct sketch_head, sum));
}

/* --- opening ----------------------------------------------------------------------- */

/* A file that bears another name too may be a stranger's. */
static bool
open_own(struct sketch_file *x, int directory)
{
	struct stat st;
	x->fd = openat(directory, SKETCHES_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (x->fd < 0 || fstat(x->fd, &st) < 0)
		return false;
	errno = EINVAL;
	if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		return true;
	x->fd = directory_close(x->fd);
	return false;
}

/* Something else of that name (a link, a FIFO) is put away when that can be. */
static bool
open_or_make(struct sketch_file *x, int directory)
{
	if (open_own(x, directory))
		return true;
	if (errno != ELOOP && errno != EINVAL && errno != ENXIO)
		return false;
	return unlinkat(directory, SKETCHES_NAME, 0) == 0 && open_own(x, directory);
}

static bool
begin_anew(struct sketch_file *x, struct sketch_head *h)
{
	h->id = random_number();
	h->sum = head_sum(h);
	return x->writes && ftruncate(x->fd, 0) == 0 && file_write_at(x->fd, h, sizeof *h, 0);
}

bool
sketches_open(struct sketch_file *x, const struct folder *f, struct slice meaning)
{
	struct sketch_head wanted = {.uidvalidity = f->uidvalidity, .meaning = index_sum(0, meaning.data, meaning.len)}, h;
	memcpy(wanted.magic, SKETCHES_MAGIC, sizeof wanted.magic);
	*x = (struct sketch_file){.fd = -1, .end = sizeof h, .pending = STR_MOST(SKETCHES_PENDING_MOST)};
	if (f->uidvalidity == 0 || !open_or_make(x, f->directory))
		return false;
	x->writes = flock(x->fd, LOCK_EX | LOCK_NB) == 0;
	bool ours = file_read_at(x->fd, &h, sizeof h, 0) && h.sum == head_sum(&h);
	wanted.id = ours ? h.id : 0;
	wanted.sum = ours ? h.sum : 0;
	if ((!ours || memcmp(&h, &wanted, sizeof h) != 0) && !begin_anew(x, &wanted))
		return false;
	x->id = wanted.id;
	x->window = malloc(WINDOW);
	return x->window != NULL;
}

/* --- reading ----------------------------------------------------------------------- */

/* Whether `len` bytes follow, which are at x->start then. */
static bool
has_bytes(struct sketch_file *x, size_t len)
{
	if (x->len >= len)
		return true;
	memmove(x->window, x->window + x->start, x->len);
	x->start = 0;
	while (x->len < len) {
		ssize_t n = pread(x->fd, x->window + x->len, WINDOW - x->len, (off_t)(x->end + x->len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		x->len += (size_t)n;
	}
	return true;
}

static bool
take_record(struct sketch_file *x, struct sketch_record *r)
{
	if (!has_bytes(x, sizeof *r))
		return false;
	memcpy(r, x->window + x->start, sizeof *r);
	if (r->len > SKETCH_MOST || r->len % sizeof(uint64_t) != 0 || !has_bytes(x, sizeof *r + r->len))
		return false;
	return r->sum == sketch_sum(x->id, x->window + x->start, sizeof *r + r->len);
}

bool
sketches_next(struct sketch_file *x, struct sketch *s)
{
	struct sketch_record r;
	if (x->window == NULL)
		return false;
	if (!take_record(x, &r)) {
		sketches_cut(x, x->end);
		return false;
	}
	s->uid = r.uid;
	s->inode = r.inode;
	s->name = r.name;
	s->bits = slice_make(x->window + x->start + sizeof r, r.len);
	s->size = sizeof r + r.len;
	x->start += s->size;
	x->len -= s->size;
	x->end += s->size;
	return true;
}

uint64_t
sketch_name(const struct message *m)
{
	return index_sum(0, m->name, m->base_len);
}

/* As facts in the index are bound to a message. */
struct message *
sketch_message(struct folder *f, const struct sketch *s, size_t *hint)
{
	struct message *m = index_find_uid(f, s->uid, hint);
	bool same = m != NULL && (m->inode == 0 || m->inode == s->inode) && sketch_name(m) == s->name;
	return same ? m : NULL;
}
