#include "imapd/body.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

void
body_close(struct body *b)
{
	if (!b->open)
		return;
	if (b->parsed)
		mime_free(&b->tree);
	if (b->mapped)
		munmap((void *)(uintptr_t)b->text.data, b->text.len);
	else
		free(b->buffer);
	if (b->fd >= 0)
		close(b->fd);
	*b = (struct body){.fd = -1};
}

static bool
read_small(struct body *b)
{
	b->buffer = malloc(b->size + 1);
	if (b->buffer == NULL || !file_read_at(b->fd, b->buffer, b->size, 0))
		return false;
	b->text = slice_make(b->buffer, b->size);
	return true;
}

static bool
map_large(struct body *b)
{
	size_t len = b->size < BODY_MOST ? b->size : BODY_MOST;
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, b->fd, 0);
	while (map == MAP_FAILED && errno == ENOMEM && len > BODY_READ)
		map = mmap(NULL, len /= 2, PROT_READ, MAP_PRIVATE, b->fd, 0);
	if (map == MAP_FAILED)
		return false;
	b->mapped = true;
	b->text = slice_make(map, len);
	return true;
}

static bool
load(struct body *b)
{
	struct stat st;
	if (fstat(b->fd, &st) < 0)
		return false;
	b->size = (uint64_t)st.st_size;
	if (!(b->size <= BODY_READ ? read_small(b) : map_large(b)))
		return false;
	if (b->text.len == b->size) {
		close(b->fd);
		b->fd = -1;
	}
	return true;
}

bool
body_open(struct body *b, struct folder *f, struct message *m)
{
	if (b->open && b->folder == f && b->uid == m->uid)
		return true;
	body_close(b);
	*b = (struct body){.open = true, .folder = f, .uid = m->uid};
	b->fd = folder_open_message(f, m);
	if (b->fd >= 0 && load(b))
		return true;
	int saved = errno;
	body_close(b);
	errno = saved;
	return false;
}

const struct mime_tree *
body_tree(struct body *b)
{
	if (!b->parsed)
		b->parsed = mime_parse(&b->tree, b->text);
	return b->parsed ? &b->tree : NULL;
}
