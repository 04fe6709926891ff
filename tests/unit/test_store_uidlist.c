/*
 * dovecot-uidlist as a list that is appended to: promise 18 (no UID changes or
 * is given twice), whatever a writer that was killed has left at its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/folder.h"
#include "lib/store/folders.h"
#include "lib/store/index_file.h"
#include "lib/store/save.h"
#include "lib/store/uidlist.h"

struct place {
	char           path[64];
	int            root;
	struct maildir m;
};

static int
begin(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	assert_non_null(p);
	strcpy(p->path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/test-list-XXXXXX" : "/tmp/test-list-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->root = open(p->path, O_RDONLY | O_DIRECTORY);
	assert_true(maildir_open(&p->m, p->root, "u/", true));
	*state = p;
	return 0;
}

static int
end(void **state)
{
	struct place *p = *state;
	maildir_close(&p->m);
	close(p->root);
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", p->path, (char *)NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	free(p);
	return 0;
}

/* A change is one, however coarse the clock of the file system is. */
static void
stir(struct place *p)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	clock_gettime(CLOCK_REALTIME, &times[1]);
	assert_int_equal(utimensat(p->m.root, "cur", times, 0), 0);
}

/* A message of another program's: its base, in cur/. */
static void
put(struct place *p, const char *base)
{
	char name[64];
	snprintf(name, sizeof name, "cur/%s:2,S", base);
	int fd = openat(p->m.root, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && file_write_all(fd, "Subject: x\n\n", 12));
	close(fd);
	stir(p);
}

static void
look(struct place *p, struct folder *f)
{
	assert_true(folder_open(f, &p->m, slice_of("INBOX"), false));
	assert_true(folder_refresh(f));
	folder_drop(f, NULL, NULL);
}

static void
refresh(struct folder *f)
{
	assert_true(folder_refresh(f));
	folder_drop(f, NULL, NULL);
}

static uint32_t
uid_of(struct folder *f, const char *base)
{
	const struct message *m = folder_find_base(f, base);
	return m != NULL ? m->uid : 0;
}

static struct stat
list_stat(const struct place *p)
{
	struct stat st;
	assert_int_equal(fstatat(p->m.root, UIDLIST_NAME, &st, 0), 0);
	return st;
}

static char *
read_list(const struct place *p, size_t *len)
{
	char *text = file_read_whole(p->m.root, UIDLIST_NAME, 1 << 20, len);
	assert_non_null(text);
	return text;
}

static void
write_list(const struct place *p, const char *text, size_t len)
{
	int fd = openat(p->m.root, UIDLIST_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, text, len));
	close(fd);
}

/* A new UID is a line behind the others, as Dovecot does; the header says what it said. */
static void
test_a_new_uid_is_a_line(void **state)
{
	struct place *p = *state;
	struct folder f, g;
	size_t len, before;
	put(p, "100.a");
	look(p, &f);
	struct stat first = list_stat(p);
	char *old = read_list(p, &before);
	for (int i = 1; i <= 20; i++) {
		char base[16], line[32];
		snprintf(base, sizeof base, "%d.b", 100 + i);
		put(p, base);
		refresh(&f);
		assert_int_equal(uid_of(&f, base), i + 1);
		char *text = read_list(p, &len);
		snprintf(line, sizeof line, "%d :%s\n", i + 1, base);
		assert_memory_equal(text, old, before);
		assert_string_equal(text + len - strlen(line), line);
		assert_int_equal(list_stat(p).st_ino, first.st_ino);
		free(text);
	}
	free(old);
	assert_int_equal(f.uidnext, 22);
	look(p, &g);
	assert_int_equal(g.count, 21);
	assert_int_equal(g.uidnext, 22);
	/* With the index lost the list alone says the same. */
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	folder_close(&g);
	look(p, &g);
	for (size_t i = 0; i < g.count; i++)
		assert_int_equal(g.messages[i].uid, f.messages[i].uid);
	assert_int_equal(g.uidvalidity, f.uidvalidity);
	folder_close(&f);
	folder_close(&g);
}

/* The list ends at any byte behind its header: no new uidvalidity, what stands in it counts, and no UID is given twice. */
static void
test_a_list_that_ends_anywhere(void **state)
{
	struct place *p = *state;
	struct folder f;
	size_t len;
	static const char *const bases[] = {"100.first", "101.second", "102.third", "103.fourth"};
	for (int i = 0; i < 4; i++) {
		put(p, bases[i]);
		look(p, &f);
		folder_close(&f);
	}
	for (int round = 0; round < 1000; round++) {
		look(p, &f);
		uint32_t validity = f.uidvalidity, next = f.uidnext, uids[4];
		for (int i = 0; i < 4; i++)
			uids[i] = uid_of(&f, bases[i]);
		folder_close(&f);
		char *text = read_list(p, &len);
		size_t header = (size_t)(strchr(text, '\n') - text) + 1, cut = header + (size_t)round;
		bool over = cut >= len;
		if (!over)
			write_list(p, text, cut);
		free(text);
		if (over)
			break;
		look(p, &f);
		assert_int_equal(f.uidvalidity, validity);
		assert_int_equal(f.count, 4);
		for (int i = 0; i < 4; i++) {
			uint32_t uid = uid_of(&f, bases[i]);
			assert_true(uid == uids[i] || uid >= next);
		}
		assert_true(f.uidnext > f.messages[3].uid);
		folder_close(&f);
		struct uidlist l;
		assert_int_equal(uidlist_read(&l, p->m.root), UIDLIST_OK);
		assert_false(l.torn);
		uidlist_free(&l);
	}
}

/* A writer was killed within its line; its number was nobody's and will be nobody's. The session that is open lives on. */
static void
test_a_torn_line(void **state)
{
	struct place *p = *state;
	struct folder f;
	put(p, "100.a");
	look(p, &f);
	uint32_t validity = f.uidvalidity;
	int fd = openat(p->m.root, UIDLIST_NAME, O_WRONLY | O_APPEND);
	assert_true(fd >= 0 && file_write_all(fd, "2 :101.", 7));
	close(fd);
	put(p, "101.b");
	refresh(&f);
	assert_int_equal(f.uidvalidity, validity);
	assert_int_equal(uid_of(&f, "101.b"), 3);
	size_t len;
	char *text = read_list(p, &len);
	assert_non_null(strstr(text, "\n1 :100.a\n3 :101.b\n"));
	free(text);
	folder_close(&f);
	/* As noise: what a file system may leave of a line that was never synced. */
	fd = openat(p->m.root, UIDLIST_NAME, O_WRONLY | O_APPEND);
	assert_true(fd >= 0 && file_write_all(fd, "\0\0\0\0\0\0\0\0", 8));
	close(fd);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	look(p, &f);
	assert_int_equal(f.uidvalidity, validity);
	assert_int_equal(uid_of(&f, "100.a"), 1);
	assert_int_equal(uid_of(&f, "101.b"), 3);
	folder_close(&f);
}

/* Another server appends while a session is open: that one reads the tail, and numbers its own behind it. */
static void
test_another_appends(void **state)
{
	struct place *p = *state;
	struct folder f, g;
	put(p, "100.a");
	look(p, &f);
	look(p, &g);
	for (int i = 0; i < 5; i++) {
		char base[16], line[32];
		snprintf(base, sizeof base, "%d.b", 101 + i);
		snprintf(line, sizeof line, "%d W5 :%s\n", 10 * (i + 1), base);
		put(p, base);
		int fd = openat(p->m.root, UIDLIST_NAME, O_WRONLY | O_APPEND);
		assert_true(fd >= 0 && file_write_all(fd, line, strlen(line)));
		close(fd);
		refresh(&f);
		assert_int_equal(uid_of(&f, base), 10 * (i + 1));
		snprintf(base, sizeof base, "%d.c", 101 + i);
		put(p, base);
		refresh(&f);
		assert_int_equal(uid_of(&f, base), 10 * (i + 1) + 1);
	}
	refresh(&g);
	assert_int_equal(g.count, f.count);
	for (size_t i = 0; i < g.count; i++)
		assert_int_equal(g.messages[i].uid, f.messages[i].uid);
	size_t len;
	char *text = read_list(p, &len);
	assert_non_null(strstr(text, "\n50 W5 :105.b\n51 :105.c\n"));
	free(text);
	folder_close(&f);
	folder_close(&g);
}

/* A message that was expunged and is moved back is a new one, also when both of its lines are read. */
static void
test_a_message_comes_back(void **state)
{
	struct place *p = *state;
	struct folder f;
	put(p, "100.a");
	put(p, "101.b");
	look(p, &f);
	assert_int_equal(renameat(p->m.root, "cur/100.a:2,S", p->m.root, "100.a"), 0);
	assert_true(folder_expunge(&f, folder_find_base(&f, "100.a")));
	refresh(&f);
	assert_int_equal(renameat(p->m.root, "100.a", p->m.root, "cur/100.a:2,S"), 0);
	stir(p);
	refresh(&f);
	assert_int_equal(uid_of(&f, "100.a"), 3);
	folder_close(&f);
	for (int i = 0; i < 2; i++) {
		unlinkat(p->m.root, INDEX_NAME, 0);
		look(p, &f);
		assert_int_equal(uid_of(&f, "100.a"), 3);
		assert_int_equal(uid_of(&f, "101.b"), 2);
		folder_close(&f);
	}
}

/* Lines of messages that are gone do not pile up. */
static void
test_waste_is_written_away(void **state)
{
	struct place *p = *state;
	struct folder f;
	off_t most = 0;
	char base[40];
	look(p, &f);
	for (int i = 0; i < 1500; i++) {
		snprintf(base, sizeof base, "%d.with-a-rather-long-name", 100000 + i);
		put(p, base);
		refresh(&f);
		assert_int_equal(uid_of(&f, base), i + 1);
		assert_true(folder_expunge(&f, folder_find_base(&f, base)));
		refresh(&f);
		most = list_stat(p).st_size > most ? list_stat(p).st_size : most;
	}
	assert_true(most > 1000);
	assert_true(most < 20000); /* of the 60,000 bytes that were written */
	assert_int_equal(f.uidnext, 1501);
	folder_close(&f);
}

/* APPEND and COPY into a folder that is not open: numbered unread, the same as a view shows then. */
static void
save_one(struct folder *f, struct folder_added *added, struct save *s)
{
	assert_true(folder_number_begin(f));
	assert_true(save_begin(s, f));
	save_write(s, "Subject: x\r\n\r\n", 14);
	assert_true(save_finish(s, SAVE_CUR, FLAG_SEEN, 0, 0));
	*added = (struct folder_added){.base = s->name, .flags = FLAG_SEEN};
}

static void
test_a_folder_is_not_read_to_add_to_it(void **state)
{
	static struct save s;
	struct place *p = *state;
	struct folder f, to;
	struct folder_added added;
	uint32_t validity, expected = 2;
	put(p, "100.a");
	look(p, &f);
	for (int i = 0; i < 6; i++) {
		assert_true(folder_open(&to, &p->m, slice_of("INBOX"), true));
		save_one(&to, &added, &s);
		/* Others number it, and messages of their own, in between: then they are asked. */
		if (i == 2 || i == 3) {
			if (i == 3)
				put(p, "101.b");
			refresh(&f);
		}
		assert_true(folder_number(&to, &added, 1, &validity));
		assert_int_equal(validity, f.uidvalidity);
		refresh(&f);
		assert_int_equal(uid_of(&f, s.name), added.uid);
		assert_true(added.uid == expected || i == 3);
		expected = f.uidnext;
		assert_int_equal(to.count, i == 2 || i == 3 ? f.count : 0);
		assert_int_equal(folder_find_base(&f, s.name)->flags, FLAG_SEEN);
		assert_true(folder_find_base(&f, s.name)->modseq > 0);
		folder_close(&to);
	}
	assert_int_equal(f.count, 8);
	folder_close(&f);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	look(p, &f);
	assert_int_equal(f.count, 8);
	assert_int_equal(f.messages[7].uid, 8);
	folder_close(&f);
	/* Without an index there is nothing to go by: it is read. */
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	assert_true(folder_open(&to, &p->m, slice_of("INBOX"), true));
	save_one(&to, &added, &s);
	assert_true(folder_number(&to, &added, 1, &validity));
	assert_int_equal(added.uid, 9);
	assert_int_equal(to.count, 9);
	folder_close(&to);
}

static void
test_what_is_behind(void **state)
{
	struct place *p = *state;
	struct uidlist l;
	static const char text[] = "3 V7 N3 Gab\n1 :a\n2 :b\n7 :c\n8 :";
	write_list(p, text, sizeof text - 1);
	assert_int_equal(uidlist_read_behind(&l, p->m.root, 22, 3), UIDLIST_OK);
	assert_true(slice_is(l.body, "7 :c\n") && l.torn && l.uidnext == 9 && l.end == 27 && l.part);
	uidlist_free(&l);
	assert_int_equal(uidlist_read_behind(&l, p->m.root, 12, 1), UIDLIST_OK);
	assert_true(slice_is(l.body, "1 :a\n2 :b\n7 :c\n"));
	uidlist_free(&l);
	assert_int_equal(uidlist_read_behind(&l, p->m.root, 27, 8), UIDLIST_OK);
	assert_true(l.body.len == 0 && l.torn);
	uidlist_free(&l);
	/* Not a line's end; not the entry that was the last; beyond the file; entries that should be known. */
	static const struct { uint64_t from; uint32_t next; } wrong[] = {{21, 3}, {23, 3}, {22, 2}, {17, 5}, {11, 1}, {0, 1}, {99, 9}, {32, 9}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(uidlist_read_behind(&l, p->m.root, wrong[i].from, wrong[i].next), UIDLIST_BROKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_behind, begin, end),
		cmocka_unit_test_setup_teardown(test_a_new_uid_is_a_line, begin, end),
		cmocka_unit_test_setup_teardown(test_a_list_that_ends_anywhere, begin, end),
		cmocka_unit_test_setup_teardown(test_a_torn_line, begin, end),
		cmocka_unit_test_setup_teardown(test_another_appends, begin, end),
		cmocka_unit_test_setup_teardown(test_a_message_comes_back, begin, end),
		cmocka_unit_test_setup_teardown(test_waste_is_written_away, begin, end),
		cmocka_unit_test_setup_teardown(test_a_folder_is_not_read_to_add_to_it, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
