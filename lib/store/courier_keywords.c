#include "lib/store/courier_keywords.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/store/courier.h"
#include "lib/store/directory.h"
#include "lib/store/keywords.h"
#include "lib/store/scan.h"

#define DIRECTORY "courierimapkeywords"
#define LIST_MOST (16u << 20)
#define FILE_MOST 65536

struct wanted {
	uint64_t generation; /* of what was read last about this message */
	uint32_t letters;
};

struct move {
	struct folder *folder;
	struct wanted *wanted; /* one a message */
	int            directory;
	size_t         left_behind; /* keywords beyond the letters that there are */
};

static uint32_t
letter_of(struct move *m, struct slice keyword)
{
	int letter = keywords_letter(m->folder, keyword);
	if (letter < 0) {
		m->left_behind++;
		return 0;
	}
	return 1u << letter;
}

static bool
take_list(struct move *m)
{
	size_t len, number;
	char *text = directory_read_file(m->directory, ":list", LIST_MOST, &len);
	if (text == NULL)
		return errno == ENOENT || errno == ELOOP || errno == EINVAL || errno == EFBIG;
	struct courier_list *l = malloc(sizeof *l);
	struct slice base, numbers;
	bool ok = l != NULL, parsed = ok && courier_parse_list(l, slice_make(text, len));
	while (parsed && courier_next_message(&l->messages, &base, &numbers)) {
		size_t index = scan_find(m->folder, base);
		if (index == SIZE_MAX)
			continue;
		m->wanted[index].letters = 0;
		while (courier_next_number(l, &numbers, &number))
			m->wanted[index].letters |= letter_of(m, l->names[number]);
	}
	free(l);
	free(text);
	return ok;
}

static bool
take_file(struct move *m, const char *file)
{
	struct slice base, line;
	uint64_t generation;
	size_t len;
	if (!courier_parse_file_name(slice_of(file), &base, &generation))
		return true;
	size_t index = scan_find(m->folder, base);
	if (index == SIZE_MAX || generation < m->wanted[index].generation)
		return true;
	char *text = directory_read_file(m->directory, file, FILE_MOST, &len);
	if (text == NULL)
		return errno == ENOENT || errno == ELOOP || errno == EINVAL || errno == EFBIG;
	m->wanted[index] = (struct wanted){.generation = generation};
	struct slice rest = slice_make(text, len);
	while (slice_split(&rest, '\n', &line))
		if (line.len > 0)
			m->wanted[index].letters |= letter_of(m, line);
	free(text);
	return true;
}

static bool
take_files(struct move *m)
{
	DIR *d = directory_list(m->directory);
	struct dirent *entry;
	bool ok = d != NULL;
	errno = 0;
	while (ok && (entry = readdir(d)) != NULL) {
		if (!directory_is_dots(entry->d_name))
			ok = take_file(m, entry->d_name);
		if (ok)
			errno = 0;
	}
	int saved = errno;
	if (d != NULL)
		closedir(d);
	errno = saved;
	return ok && saved == 0;
}

/* A name with letters stands in cur/, also of a message that nobody has seen yet. */
static bool
mark_message(struct folder *f, struct message *message, uint32_t letters)
{
	struct name_parts parts;
	char name[NAME_MOST + 1];
	if (!name_parse(slice_of(message->name), &parts)
	    || !name_build(name, parts.base, parts.info, parts.flags, parts.keywords | letters))
		return true;
	if (renameat(message->in_new ? f->fresh : f->cur, message->name, f->cur, name) < 0)
		return errno == ENOENT;
	message->in_new = false;
	message->keywords |= letters;
	return scan_rename(f, message, slice_of(name));
}

static bool
mark_messages(struct move *m)
{
	struct folder *f = m->folder;
	bool marked = false;
	for (size_t i = 0; i < f->count; i++) {
		struct message *message = &f->messages[i];
		if (message->vanished || (m->wanted[i].letters & ~message->keywords) == 0)
			continue;
		if (!mark_message(f, message, m->wanted[i].letters))
			return false;
		marked = true;
	}
	f->scan->trusted = false;
	return !marked || (fsync(f->cur) == 0 && fsync(f->fresh) == 0 && keywords_write(f));
}

bool
courier_take_keywords(struct folder *f)
{
	struct move m = {.folder = f};
	if (keywords_exist(f))
		return true;
	m.directory = directory_open(f->directory, DIRECTORY, false);
	if (m.directory < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR;
	m.wanted = calloc(f->count + 1, sizeof *m.wanted);
	bool ok = m.wanted != NULL && take_list(&m) && take_files(&m) && mark_messages(&m);
	free(m.wanted);
	directory_close(m.directory);
	if (ok && m.left_behind > 0)
		log_warning("courier-keywords", log_number("left-behind", (int64_t)m.left_behind),
		    log_text("hint", "a Maildir's names have letters for 26 keywords a folder"));
	return ok;
}
