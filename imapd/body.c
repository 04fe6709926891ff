#include "imapd/body.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

#define ROOM_FIRST 16384 /* bytes: most letters */

/* The message; the memory stays for the next one. */
static void
let_go(struct body *b)
{
	if (b->mapped)
		munmap((void *)(uintptr_t)b->text.data, b->text.len);
	if (b->open && b->fd >= 0)
		close(b->fd);
	*b = (struct body){.fd = -1, .buffer = b->buffer, .room = b->room, .tree = b->tree};
}

void
body_close(struct body *b)
{
	let_go(b);
	mime_free(&b->tree);
	free(b->buffer);
	*b = (struct body){.fd = -1};
}

/* Doubled, so that letters of growing size do not ask each for more. */
static bool
make_room(struct body *b)
{
	size_t room = b->room > 0 ? b->room : ROOM_FIRST;
	while (room < b->size + 1)
		room *= 2;
	if (room == b->room)
		return true;
	free(b->buffer);
	b->buffer = malloc(room);
	b->room = b->buffer != NULL ? room : 0;
	return b->buffer != NULL;
}

static bool
read_small(struct body *b)
{
	if (!make_room(b) || !file_read_at(b->fd, b->buffer, b->size, 0))
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
load(struct body *b, const struct stat *st)
{
	b->size = (uint64_t)st->st_size;
	b->inode = st->st_ino;
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
	struct stat st;
	let_go(b);
	b->open = true;
	b->folder = f;
	b->uid = m->uid;
	b->fd = folder_open_message_stat(f, m, &st);
	if (b->fd >= 0 && load(b, &st))
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
		b->parsed = mime_parse_again(&b->tree, b->text);
	return b->parsed ? &b->tree : NULL;
}

const struct charset *
part_charset(const struct mime_part *p)
{
	const struct charset *charset = NULL;
	struct str name = STR_MOST(200);
	if (mime_parameter(p->parameters, "charset", &name))
		charset = charset_find(str_slice(&name));
	str_free(&name);
	return charset != NULL ? charset : charset_default();
}
