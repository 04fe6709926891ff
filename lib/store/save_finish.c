/* The end of one save or of several together: bytes, their sync, the step into the folder, its sync (save.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/index.h"
#include "lib/store/save.h"
#include "lib/store/settle.h"

static bool
set_date(int fd, time_t date)
{
	if (date == 0)
		return true;
	const struct timespec times[2] = {{.tv_sec = date}, {.tv_sec = date}};
	return futimens(fd, times) == 0;
}

bool
save_hand_over(struct save *s)
{
	save_complete(s);
	if (s->trouble == 0 && s->shared == NULL && !set_date(s->fd, s->date))
		save_failed(s);
	return s->trouble == 0;
}

static int
directory_of(const struct save *s)
{
	return s->place == SAVE_CUR ? s->cur : s->fresh;
}

/* The name in the folder: with sizes, which s->name has when it was moved, in cur/ with the info. */
static bool
final_name(const struct save *s, char into[NAME_MOST + 1])
{
	char base[NAME_MOST + 1];
	memcpy(base, s->name, sizeof base);
	if (!s->moved)
		name_add_sizes(base, s->size, s->wire_size);
	errno = ENAMETOOLONG;
	if (s->place == SAVE_CUR)
		return name_build(into, slice_of(base), slice_make(NULL, 0), s->flags, s->keywords);
	memcpy(into, base, sizeof base);
	return true;
}

/* The one step. tmp/ still bears the name without sizes. */
static void
move(struct save *s)
{
	char to[NAME_MOST + 1];
	struct stat st;
	if (!final_name(s, to) || fstat(directory_of(s), &st) < 0) {
		save_failed(s);
		return;
	}
	s->device = st.st_dev;
	s->inode = st.st_ino;
	s->moved = renameat(s->tmp, s->name, directory_of(s), to) == 0;
	if (s->moved)
		name_add_sizes(s->name, s->size, s->wire_size);
	else
		save_failed(s);
}

static bool
has_own_file(const struct save *s)
{
	return s->trouble == 0 && s->shared == NULL;
}

/* The files, each once: one that is shared is its first owner's. */
static void
settle_files(struct save *const *all, size_t count)
{
	int fds[SAVES_MOST] = {-1}, errors[SAVES_MOST];
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		if (has_own_file(all[i]))
			fds[n++] = all[i]->fd;
	settle_bytes(fds, errors, n);
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (has_own_file(all[i]))
			all[i]->trouble = errors[n++];
	for (size_t i = 0; i < count; i++)
		if (all[i]->shared != NULL && all[i]->trouble == 0)
			all[i]->trouble = all[i]->shared->trouble;
}

/* The first of those that were moved to the same directory. */
static size_t
first_there(struct save *const *all, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (all[i]->moved && all[i]->inode == all[at]->inode && all[i]->device == all[at]->device)
			return i;
	return at;
}

/* The directories, each once. */
static void
settle_directories(struct save *const *all, size_t count)
{
	int fds[SAVES_MOST] = {-1}, errors[SAVES_MOST], last = -1;
	size_t n = 0, place[SAVES_MOST];
	for (size_t i = 0; i < count; i++) {
		if (!all[i]->moved)
			continue;
		last = directory_of(all[i]);
		size_t first = first_there(all, i);
		place[i] = first < i ? place[first] : n;
		if (first == i)
			fds[n++] = directory_of(all[i]);
	}
	settle_names(fds, errors, n, last);
	for (size_t i = 0; i < count; i++)
		if (all[i]->moved)
			all[i]->trouble = errors[place[i]];
}

/* A message that was never larger than the buffer is still in it. */
void
save_tell_index(const struct save *s)
{
	struct index_delivery d = {.directory = s->directory, .file = s->fd, .base = s->name, .wire_size = s->wire_size};
	if (s->size <= SAVE_BUFFER)
		d.text = slice_make(s->shared != NULL ? s->shared->buffer : s->buffer, (size_t)s->size);
	index_deliver(&d);
}

/* Nothing is left of what failed: not known to be durable, a second try would make two of it. */
static void
end(struct save *s)
{
	char to[NAME_MOST + 1];
	bool named = final_name(s, to);
	if (s->trouble != 0 && !s->moved)
		unlinkat(s->tmp, s->name, 0);
	else if (s->trouble != 0 && named)
		unlinkat(directory_of(s), to, 0);
	close(s->fd);
	s->fd = -1;
}

void
save_finish_all(struct save *const *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		save_hand_over(all[i]);
	settle_files(all, count);
	for (size_t i = 0; i < count; i++)
		if (all[i]->trouble == 0)
			move(all[i]);
	settle_directories(all, count);
	for (size_t i = 0; i < count; i++) {
		if (all[i]->trouble == 0)
			save_tell_index(all[i]);
		end(all[i]);
	}
}

static void
aim(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date)
{
	s->place = place;
	s->flags = flags;
	s->keywords = keywords;
	s->date = date;
}

bool
save_finish(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date)
{
	aim(s, place, flags, keywords, date);
	save_finish_all(&s, 1);
	errno = s->trouble;
	return s->trouble == 0;
}

/* --- a message, its name and its number together --------------------------------------- */

bool
save_place(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date)
{
	aim(s, place, flags, keywords, date);
	if (save_hand_over(s))
		settle_bytes(&s->fd, &s->trouble, 1);
	if (s->trouble == 0)
		move(s);
	if (s->trouble == 0)
		save_tell_index(s);
	else
		end(s);
	errno = s->trouble;
	return s->trouble == 0;
}

/* Its bytes are on the disk since save_place(). */
static int
settle_with(const struct save *s, int other)
{
	const int fds[] = {s->fd, directory_of(s), other};
	int errors[] = {0, 0, 0};
	if (other >= 0 && settle_in_order(directory_of(s), other))
		return fsync(other) == 0 ? 0 : errno;
	settle_all(fds, errors, other >= 0 ? 3 : 2);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i] != 0)
			return errors[i];
	return 0;
}

bool
save_settle(struct save *s, int other)
{
	s->trouble = settle_with(s, other);
	end(s);
	errno = s->trouble;
	return s->trouble == 0;
}
