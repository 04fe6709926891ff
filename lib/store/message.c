/* What is done with one message of a folder's view. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/index.h"
#include "lib/store/message.h"
#include "lib/store/save.h"
#include "lib/store/scan.h"

#define ATTEMPTS 4 /* other sessions may rename it again and again */

static int
place_of(const struct folder *f, const struct message *m)
{
	return m->in_new ? f->fresh : f->cur;
}

static void
mark_vanished(struct folder *f, struct message *m)
{
	if (m->vanished)
		return;
	f->vanished++;
	m->vanished = m->unnoted = true;
}

/*
 * After ENOENT: looks where the file is now. The array stays where it is: what
 * the scan finds besides is left to the next refresh. False with errno when the
 * message is gone.
 */
static bool
look_again(struct folder *f, struct message *m)
{
	bool stable;
	if (f->scan == NULL)
		return false;
	f->scan->known_only = true;
	bool ok = scan_directories(f, false, &stable);
	f->scan->known_only = f->scan->trusted = false;
	if (!ok)
		return false;
	if (!m->seen)
		mark_vanished(f, m);
	errno = ENOENT;
	return !m->vanished;
}

typedef bool operation(struct folder *f, struct message *m, void *context);

/* Does it, and again with the new name as long as the file is not where it was. */
static bool
with_retry(struct folder *f, struct message *m, operation *act, void *context)
{
	errno = ENOENT;
	if (m->vanished)
		return false;
	for (int i = 0; i < ATTEMPTS; i++) {
		if (act(f, m, context))
			return true;
		if (errno != ENOENT)
			return false;
		if (!look_again(f, m))
			return false;
	}
	errno = EAGAIN;
	return false;
}

struct opened {
	int          fd;
	struct stat *st;
};

static bool
do_open(struct folder *f, struct message *m, void *context)
{
	struct opened *o = context;
	o->fd = directory_open_stat(place_of(f, m), m->name, o->st);
	return o->fd >= 0;
}

static void
note_opened(struct folder *f, struct message *m, const struct stat *st)
{
	if (m->date == 0 && (m->inode == 0 || m->inode == st->st_ino))
		m->date = st->st_mtime;
	if (f->index == NULL)
		return;
	f->index->opened_uid = m->uid;
	f->index->opened = *st;
}

int
folder_open_message_stat(struct folder *f, struct message *m, struct stat *st)
{
	struct opened o = {.st = st};
	if (!with_retry(f, m, do_open, &o))
		return -1;
	note_opened(f, m, st);
	return o.fd;
}

int
folder_open_message(struct folder *f, struct message *m)
{
	struct stat st;
	return folder_open_message_stat(f, m, &st);
}

static bool
do_stat(struct folder *f, struct message *m, void *context)
{
	return fstatat(place_of(f, m), m->name, context, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
message_stat(struct folder *f, struct message *m, struct stat *st)
{
	return with_retry(f, m, do_stat, st);
}

struct flag_request {
	enum flag_change change;
	uint8_t          flags;
	uint32_t         keywords;
};

static uint32_t
changed_bits(uint32_t before, enum flag_change change, uint32_t bits)
{
	if (change == FLAGS_ADD)
		return before | bits;
	return change == FLAGS_REMOVE ? before & ~bits : bits;
}

/* A flagged message is in cur/, so one from new/ moves there on the way. */
static bool
do_flags(struct folder *f, struct message *m, void *context)
{
	const struct flag_request *r = context;
	struct name_parts parts;
	char name[NAME_MOST + 1];
	uint8_t flags = (uint8_t)changed_bits(m->flags, r->change, r->flags);
	uint32_t keywords = changed_bits(m->keywords, r->change, r->keywords);
	errno = ENAMETOOLONG;
	if (!name_parse(slice_of(m->name), &parts) || !name_build(name, parts.base, parts.info, flags, keywords))
		return false;
	if (!m->in_new && strcmp(name, m->name) == 0)
		return faccessat(f->cur, m->name, F_OK, 0) == 0;
	bool begun = scan_begin_rename(f);
	bool ok = renameat(place_of(f, m), m->name, f->cur, name) == 0;
	scan_end_rename(f, begun);
	if (!ok)
		return false;
	f->scan->trusted = false;
	f->index->renamed = true;
	if (m->flags != flags || m->keywords != keywords)
		m->modseq = 0;
	m->flags = flags;
	m->keywords = keywords;
	m->in_new = false;
	/* Without memory for the name the next use finds it by its base. */
	scan_rename(f, m, slice_of(name));
	index_note(f, m);
	return true;
}

bool
folder_set_flags(struct folder *f, struct message *m, enum flag_change change, uint8_t flags, uint32_t keywords)
{
	struct flag_request r = {.change = change, .flags = flags, .keywords = keywords};
	index_begin(f);
	bool ok = with_retry(f, m, do_flags, &r);
	index_end(f);
	return ok;
}

static bool
do_unlink(struct folder *f, struct message *m, void *context)
{
	(void)context;
	if (unlinkat(place_of(f, m), m->name, 0) < 0)
		return false;
	f->index->renamed = f->index->renamed || !m->in_new;
	return true;
}

bool
folder_remove(struct folder *f, struct message *m, bool *removed)
{
	*removed = false;
	if (m->vanished)
		return true;
	index_begin(f);
	*removed = with_retry(f, m, do_unlink, NULL);
	bool ok = *removed || errno == ENOENT;
	if (ok) {
		mark_vanished(f, m);
		f->scan->trusted = false;
		index_note(f, m);
	}
	index_end(f);
	return ok;
}

struct copy_request {
	struct folder *to;
	char           base[NAME_MOST + 1];
	uint32_t       keywords; /* bits of the target */
};

/* Sizes of the source's name go on; a file without them keeps none. */
static void
copy_base(const struct message *m, char base[NAME_MOST + 1])
{
	struct name_parts parts;
	name_unique_copy(base, name_identity(slice_of(m->name)));
	if (!name_parse(slice_of(m->name), &parts))
		return;
	if (parts.has_size && parts.has_wire_size)
		name_add_sizes(base, parts.size, parts.wire_size);
}

/* By bytes, where a link cannot be: another file system, or too many links. */
static bool
copy_bytes(struct folder *f, struct message *m, struct copy_request *r)
{
	struct save s;
	char buffer[16384];
	ssize_t n;
	struct stat st;
	int fd = directory_open_stat(place_of(f, m), m->name, &st);
	if (fd < 0)
		return false;
	bool ok = save_begin_copy(&s, r->to, name_identity(slice_of(m->name)));
	if (ok) {
		while ((n = read(fd, buffer, sizeof buffer)) > 0)
			save_write(&s, buffer, (size_t)n);
		ok = n == 0 && save_finish(&s, SAVE_CUR, m->flags, r->keywords, st.st_mtime);
		if (n < 0)
			save_abort(&s);
	}
	directory_close(fd);
	if (ok)
		memcpy(r->base, s.name, sizeof r->base);
	return ok;
}

static bool
do_copy(struct folder *f, struct message *m, void *context)
{
	struct copy_request *r = context;
	char name[NAME_MOST + 1];
	copy_base(m, r->base);
	errno = ENAMETOOLONG;
	if (!name_build(name, slice_of(r->base), slice_make(NULL, 0), m->flags, r->keywords))
		return false;
	if (linkat(place_of(f, m), m->name, r->to->cur, name, 0) == 0)
		return true;
	return (errno == EMLINK || errno == EXDEV || errno == EPERM) && copy_bytes(f, m, r);
}

/* The letters of a keyword differ from folder to folder. One that finds no letter there is left behind. */
static uint32_t
translate_keywords(const struct folder *f, uint32_t keywords, struct folder *to)
{
	uint32_t bits = 0;
	if (f->directory == to->directory)
		return keywords;
	for (int i = 0; i < KEYWORDS_MOST; i++) {
		if (!(keywords & 1u << i) || f->keywords[i] == NULL)
			continue;
		int bit = folder_keyword(to, slice_of(f->keywords[i]), true);
		if (bit >= 0)
			bits |= 1u << bit;
	}
	return bits;
}

bool
folder_copy(struct folder *f, struct message *m, struct folder *to, char *base, struct folder_added *added)
{
	struct copy_request r = {.to = to, .keywords = translate_keywords(f, m->keywords, to)};
	if (!with_retry(f, m, do_copy, &r))
		return false;
	memcpy(base, r.base, sizeof r.base);
	*added = (struct folder_added){.base = base, .flags = m->flags, .keywords = r.keywords};
	if (to->scan != NULL)
		to->scan->trusted = false;
	return true;
}
