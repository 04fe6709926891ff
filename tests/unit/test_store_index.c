/*
 * The index of a folder: whatever happens to its file, a view says what the
 * message files, their names and dovecot-uidlist say, and mod-sequences never
 * go back (RFC 7162 section 3.1.1).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/facts.h"
#include "lib/store/folder.h"
#include "lib/store/index.h"
#include "lib/store/save.h"
#include "lib/store/uidlist.h"

#define FOLDER "u/" /* beneath the mail root */

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
	/* In memory, where there is such a place: thousands of rebuilt indexes are thousands of syncs. */
	strcpy(p->path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/test-index-XXXXXX" : "/tmp/test-index-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->root = open(p->path, O_RDONLY | O_DIRECTORY);
	assert_true(maildir_open(&p->m, p->root, FOLDER, true));
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

static const char text[] =
	"From: Anna <anna@example.test>\nSubject: one\nX-Other: no\nDate: Sat, 21 Nov 2026 10:00:00 +0100\n"
	"References: <a@b>\n <c@d>\n\nbody\n";

static void
deliver(struct place *p, const char *subject)
{
	static struct save s;
	struct folder f;
	char line[64];
	snprintf(line, sizeof line, "Subject: %s\n", subject);
	assert_true(folder_open(&f, &p->m, slice_of("INBOX"), true));
	assert_true(save_begin(&s, &f));
	save_write(&s, line, strlen(line));
	save_write(&s, text, strlen(text));
	assert_true(save_finish(&s, SAVE_NEW, 0, 0, 0));
	folder_close(&f);
}

static void
look(struct place *p, struct folder *f)
{
	assert_true(folder_open(f, &p->m, slice_of("INBOX"), false));
	assert_true(folder_refresh(f));
	folder_drop(f, NULL, NULL);
}

static char *
read_message(struct folder *f, struct message *m, size_t *len)
{
	struct stat st;
	int fd = folder_open_message(f, m);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	char *content = malloc((size_t)st.st_size + 1);
	assert_true(content != NULL && file_read_at(fd, content, (size_t)st.st_size, 0));
	*len = (size_t)st.st_size;
	close(fd);
	return content;
}

/* A client lists the folder: what the index does not have it is taught. */
static void
list(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct message_texts t;
		size_t len;
		if (folder_message_texts(f, &f->messages[i], &t))
			continue;
		char *content = read_message(f, &f->messages[i], &len);
		assert_true(folder_message_learn(f, &f->messages[i], slice_make(content, len), &t));
		free(content);
	}
}

/* What is said of one message is what its file says. */
static void
check_message(struct folder *f, struct message *m)
{
	struct message_texts t;
	struct facts_texts truth;
	struct str made = STR_MOST(FACTS_MOST);
	struct stat st;
	size_t len;
	uint64_t size;
	time_t date;
	char *content = read_message(f, m, &len);
	assert_int_equal(fstatat(m->in_new ? f->fresh : f->cur, m->name, &st, 0), 0);
	assert_true(facts_compose(&made, slice_make(content, len), &truth));
	assert_true(folder_message_size(f, m, &size));
	assert_int_equal(size, truth.wire_size);
	assert_true(folder_message_date(f, m, &date));
	assert_int_equal(date, st.st_mtime);
	if (folder_message_texts(f, m, &t)) {
		assert_int_equal(t.envelope.len, truth.envelope);
		assert_int_equal(t.structure.len, truth.structure);
		assert_int_equal(t.header.len, truth.header);
		assert_memory_equal(t.envelope.data, made.data, made.len);
		assert_true(t.sent == truth.sent);
	}
	free(content);
	str_free(&made);
}

static size_t
count_files(int directory)
{
	DIR *d = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY));
	size_t count = 0;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

/* The view is what names and UID list say. */
static void
check_view(struct folder *f)
{
	struct uidlist l;
	struct uid_entry e;
	assert_int_equal(uidlist_read(&l, f->directory), UIDLIST_OK);
	assert_int_equal(f->uidvalidity, l.uidvalidity);
	assert_int_equal(f->count, count_files(f->cur) + count_files(f->fresh));
	struct slice rest = l.body;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		struct name_parts parts;
		do
			assert_true(uidlist_next(&rest, &e));
		while (e.uid < m->uid);
		assert_int_equal(e.uid, m->uid);
		assert_true(name_parse(slice_of(m->name), &parts) && slice_equal(parts.base, e.base));
		assert_int_equal(parts.flags, m->flags);
		assert_int_equal(parts.keywords, m->keywords);
		check_message(f, m);
	}
	uidlist_free(&l);
}

static void
check(struct place *p)
{
	struct folder f;
	look(p, &f);
	check_view(&f);
	folder_close(&f);
}

static uint64_t
highest(struct place *p)
{
	struct folder f;
	look(p, &f);
	uint64_t modseq = f.highest_modseq;
	for (size_t i = 0; i < f.count; i++) {
		assert_true(f.messages[i].modseq > 0);
		assert_true(f.messages[i].modseq <= modseq);
	}
	folder_close(&f);
	assert_true(modseq > 0);
	return modseq;
}

/* Two messages, one with flags, all that can be known of them in the index. */
static void
fill(struct place *p)
{
	struct folder f;
	deliver(p, "first");
	deliver(p, "second");
	look(p, &f);
	assert_int_equal(f.count, 2);
	assert_true(folder_set_flags(&f, &f.messages[1], FLAGS_ADD, FLAG_SEEN, 0));
	list(&f);
	folder_close(&f);
	look(p, &f);
	check_view(&f);
	folder_close(&f);
}

static char *
read_index(struct place *p, size_t *len)
{
	char *content = file_read_whole(p->m.root, INDEX_NAME, 1 << 20, len);
	assert_non_null(content);
	return content;
}

/* As another program would: the same file, other bytes. */
static void
write_index(struct place *p, const char *content, size_t len)
{
	int fd = openat(p->m.root, INDEX_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, content, len));
	close(fd);
}

/* As if the directories had been quiet for long: their last change was then. */
static void
age(struct place *p)
{
	const struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	assert_int_equal(utimensat(p->m.root, "new", then, 0), 0);
	assert_int_equal(utimensat(p->m.root, "cur", then, 0), 0);
}

/* Another program's change within the tick of one of ours is found a second later: not what these tests are about. */
static void
settle(struct place *p)
{
	age(p);
	check(p);
}

/* --- what the index is for ------------------------------------------------------------- */

static void
test_opened_without_a_look_at_the_directories(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct message_texts t;
	fill(p);
	settle(p); /* the first one after a change looks */
	look(p, &f);
	assert_int_equal(f.index->looked, 0);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.messages[1].flags, FLAG_SEEN);
	assert_true(folder_message_texts(&f, &f.messages[0], &t));
	assert_true(slice_starts(t.envelope, "(\"Sat, 21 Nov 2026 10:00:00 +0100\" \"first\" ((\"Anna\""));
	assert_true(slice_starts(t.structure, "(\"text\" \"plain\" "));
	assert_int_equal(t.sent, 1795251600);
	static const char header[] = "Subject: first\nFrom: Anna <anna@example.test>\nSubject: one\n"
		"Date: Sat, 21 Nov 2026 10:00:00 +0100\nReferences: <a@b>\n <c@d>\n\r\n";
	assert_int_equal(t.header.len, strlen(header));
	assert_memory_equal(t.header.data, header, strlen(header));
	folder_close(&f);
}

static void
test_a_delivery_brings_its_texts(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct message_texts t;
	fill(p);
	deliver(p, "third");
	look(p, &f);
	assert_int_equal(f.count, 3);
	assert_true(folder_message_texts(&f, &f.messages[2], &t));
	check_view(&f);
	folder_close(&f);
	look(p, &f);
	assert_true(folder_message_texts(&f, &f.messages[2], &t));
	folder_close(&f);
}

static void
test_sessions_see_each_other_without_a_look(void **state)
{
	struct place *p = *state;
	struct folder a, b;
	fill(p);
	age(p);
	look(p, &a);
	look(p, &b);
	int64_t looked = b.index->looked;
	uint64_t before = b.highest_modseq;
	assert_true(folder_set_flags(&a, &a.messages[0], FLAGS_ADD, FLAG_FLAGGED, 0));
	assert_true(folder_refresh(&b));
	assert_int_equal(b.index->looked, looked);
	assert_int_equal(b.messages[0].flags, FLAG_FLAGGED);
	assert_true(b.messages[0].changed);
	assert_true(b.messages[0].modseq > before && b.messages[0].modseq == a.messages[0].modseq);
	assert_int_equal(b.highest_modseq, b.messages[0].modseq);
	assert_true(folder_expunge(&a, &a.messages[1]));
	assert_true(folder_refresh(&b));
	assert_int_equal(b.index->looked, looked);
	assert_true(b.messages[1].vanished);
	folder_close(&a);
	folder_close(&b);
	check(p);
}

/* Several changes in one go have one mod-sequence (as a STORE of many messages wants it). */
static void
test_a_batch_has_one_modseq(void **state)
{
	struct place *p = *state;
	struct folder f;
	fill(p);
	look(p, &f);
	folder_change_begin(&f);
	for (size_t i = 0; i < f.count; i++)
		assert_true(folder_set_flags(&f, &f.messages[i], FLAGS_ADD, FLAG_FLAGGED, 0));
	folder_change_end(&f);
	assert_int_equal(f.messages[0].modseq, f.messages[1].modseq);
	assert_int_equal(f.highest_modseq, f.messages[0].modseq);
	/* What changes nothing gives no number. */
	assert_true(folder_set_flags(&f, &f.messages[0], FLAGS_ADD, FLAG_FLAGGED, 0));
	assert_int_equal(f.highest_modseq, f.messages[0].modseq);
	folder_close(&f);
	check(p);
}

/* --- what may happen to it --------------------------------------------------------------- */

static void
test_truncated_at_every_length(void **state)
{
	struct place *p = *state;
	size_t len;
	fill(p);
	uint64_t modseq = highest(p);
	char *content = read_index(p, &len);
	for (size_t i = 0; i < len; i++) {
		write_index(p, content, i);
		check(p);
		uint64_t now = highest(p);
		assert_true(now >= modseq);
		modseq = now;
	}
	free(content);
}

static void
test_each_byte_flipped(void **state)
{
	struct place *p = *state;
	size_t len;
	fill(p);
	uint64_t modseq = highest(p);
	for (size_t i = 0;; i++) {
		char *content = read_index(p, &len);
		if (i < len) {
			content[i] = (char)(content[i] ^ 1 << i % 8);
			write_index(p, content, len);
			check(p);
			uint64_t now = highest(p);
			assert_true(now >= modseq);
			modseq = now;
		}
		free(content);
		if (i >= len)
			break;
	}
}

static void
test_noise_and_strange_things(void **state)
{
	struct place *p = *state;
	char noise[5000];
	fill(p);
	uint64_t modseq = highest(p);
	srandom(1);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof noise; i++)
			noise[i] = (char)random();
		write_index(p, noise, sizeof noise);
		check(p);
	}
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", p->m.root, INDEX_NAME), 0);
	check(p);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	assert_int_equal(mkfifoat(p->m.root, INDEX_NAME, 0600), 0);
	check(p);
	assert_true(highest(p) > modseq);
	unlinkat(p->m.root, INDEX_NAME, 0);
	/* What cannot be put away is done without. */
	assert_int_equal(mkdirat(p->m.root, INDEX_NAME, 0700), 0);
	check(p);
}

static void
test_deleted_under_a_session(void **state)
{
	struct place *p = *state;
	struct folder f;
	fill(p);
	look(p, &f);
	uint64_t modseq = f.highest_modseq;
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	assert_true(folder_set_flags(&f, &f.messages[0], FLAGS_ADD, FLAG_DRAFT, 0));
	assert_true(folder_refresh(&f));
	check_view(&f);
	assert_true(f.highest_modseq > modseq);
	assert_true(f.messages[0].modseq > modseq);
	folder_close(&f);
	check(p);
}

/* A copy of before is put back: it is older than the folder. */
static void
test_an_older_one(void **state)
{
	struct place *p = *state;
	struct folder f;
	size_t len;
	fill(p);
	highest(p);
	char *older = read_index(p, &len);
	deliver(p, "third");
	look(p, &f);
	assert_true(folder_set_flags(&f, &f.messages[0], FLAGS_REPLACE, FLAG_ANSWERED, 0));
	assert_true(folder_expunge(&f, &f.messages[1]));
	folder_close(&f);
	uint64_t modseq = highest(p);
	write_index(p, older, len);
	check(p);
	look(p, &f);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.messages[0].flags, FLAG_ANSWERED);
	assert_true(f.highest_modseq > modseq);
	folder_close(&f);
	free(older);
}

/* --- the clock --------------------------------------------------------------------------- */

/* The last mod-sequence was given by a clock that was years ahead: the list's bound says so. */
static void
test_the_clock_goes_back_and_the_index_is_lost(void **state)
{
	struct place *p = *state;
	const uint64_t future = UINT64_C(4000000000000000);
	struct uidlist l;
	struct uid_entry e;
	struct uidlist_writer w;
	fill(p);
	assert_int_equal(uidlist_read(&l, p->m.root), UIDLIST_OK);
	assert_true(l.bound > 0);
	l.bound = future;
	assert_true(uidlist_write_begin(&w, p->m.root, &l));
	for (struct slice rest = l.body; uidlist_next(&rest, &e);)
		uidlist_write_entry(&w, &e);
	assert_true(uidlist_write_end(&w));
	uidlist_free(&l);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	uint64_t modseq = highest(p);
	assert_true(modseq > future);
	/* The next ones count on from there, and so does the next loss. */
	deliver(p, "third");
	assert_true(highest(p) > modseq);
	modseq = highest(p);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	assert_true(highest(p) > modseq);
	check(p);
}

/* --- other programs ------------------------------------------------------------------------ */

static void
test_foreign_changes_get_modseqs(void **state)
{
	struct place *p = *state;
	struct folder f;
	char name[NAME_MOST + 8];
	fill(p);
	deliver(p, "third");
	check(p);
	settle(p);
	look(p, &f);
	uint64_t before = f.highest_modseq, untouched = f.messages[2].modseq;
	snprintf(name, sizeof name, "%.*s:2,FT", f.messages[0].base_len, f.messages[0].name);
	assert_int_equal(renameat(f.cur, f.messages[0].name, f.cur, name), 0);
	assert_int_equal(unlinkat(f.cur, f.messages[1].name, 0), 0);
	uint32_t gone = f.messages[1].uid;
	assert_true(folder_refresh(&f));
	assert_int_equal(f.messages[0].flags, FLAG_FLAGGED | FLAG_DELETED);
	assert_true(f.messages[0].modseq > before);
	assert_int_equal(f.messages[2].modseq, untouched);
	assert_true(f.messages[1].vanished);
	folder_close(&f);
	look(p, &f);
	assert_true(f.messages[0].modseq > before);
	assert_int_equal(f.messages[1].modseq, untouched);
	check_view(&f);
	assert_true(gone > 0 && f.count == 2);
	folder_close(&f);
}

static void
collect(void *context, uint32_t uid)
{
	uint64_t *uids = context;
	*uids |= UINT64_C(1) << uid;
}

static void
test_expunged_are_remembered(void **state)
{
	struct place *p = *state;
	struct folder f;
	uint64_t uids = 0;
	fill(p);
	deliver(p, "third");
	check(p);
	settle(p);
	look(p, &f);
	uint64_t before = f.highest_modseq;
	assert_true(folder_expunge(&f, &f.messages[0]));
	uint64_t between = f.highest_modseq;
	settle(p);
	assert_true(folder_refresh(&f));
	assert_int_equal(unlinkat(f.cur, f.messages[2].name, 0), 0);
	assert_true(folder_refresh(&f));
	folder_close(&f);
	look(p, &f);
	assert_true(folder_expunged_since(&f, before, collect, &uids));
	assert_int_equal(uids, 1 << 1 | 1 << 3);
	uids = 0;
	assert_true(folder_expunged_since(&f, between, collect, &uids));
	assert_int_equal(uids, 1 << 3);
	/* Of what was before the index was made nothing is known. */
	assert_false(folder_expunged_since(&f, 1, collect, &uids));
	folder_close(&f);
	assert_int_equal(unlinkat(p->m.root, INDEX_NAME, 0), 0);
	look(p, &f);
	assert_false(folder_expunged_since(&f, before, collect, &uids));
	folder_close(&f);
}

/* Another file under the same name: what was known of the old one is not said of it. */
static void
test_another_file_under_a_known_name(void **state)
{
	struct place *p = *state;
	struct folder f;
	char name[NAME_MOST + 1];
	fill(p);
	settle(p);
	look(p, &f);
	snprintf(name, sizeof name, "%s", f.messages[0].name);
	int fd = openat(f.tmp, "x", O_WRONLY | O_CREAT, 0600);
	assert_true(file_write_all(fd, "Subject: other\n\nx\n", 18));
	close(fd);
	assert_int_equal(renameat(f.tmp, "x", f.cur, name), 0);
	folder_close(&f);
	look(p, &f);
	struct message_texts t;
	assert_false(folder_message_texts(&f, &f.messages[0], &t));
	assert_true(folder_message_texts(&f, &f.messages[1], &t));
	folder_close(&f);
	look(p, &f);
	assert_false(folder_message_texts(&f, &f.messages[0], &t));
	folder_close(&f);
}

/* The list was replaced by one that gives other numbers: the list is right. */
static void
test_another_uid_list(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct uidlist l;
	struct uidlist_writer w;
	struct uid_entry e;
	fill(p);
	assert_int_equal(uidlist_read(&l, p->m.root), UIDLIST_OK);
	l.uidnext += 100;
	assert_true(uidlist_write_begin(&w, p->m.root, &l));
	for (struct slice rest = l.body; uidlist_next(&rest, &e);) {
		e.uid += 100;
		uidlist_write_entry(&w, &e);
	}
	assert_true(uidlist_write_end(&w));
	uidlist_free(&l);
	check(p);
	look(p, &f);
	assert_int_equal(f.messages[0].uid, 101);
	uint32_t validity = f.uidvalidity;
	folder_close(&f);
	/* And one that begins anew. */
	assert_int_equal(unlinkat(p->m.root, UIDLIST_NAME, 0), 0);
	check(p);
	look(p, &f);
	assert_int_equal(f.messages[0].uid, 1);
	assert_true(f.uidvalidity > validity);
	folder_close(&f);
}

/* The lock is held for ever by somebody who means no good: mail is read all the same. */
static void
test_a_lock_that_is_not_given_back(void **state)
{
	struct place *p = *state;
	fill(p);
	int fd = openat(p->m.root, INDEX_NAME, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	deliver(p, "third");
	check(p);
	close(fd);
	check(p);
}

/* Much is changed: the file is written anew, and all is as it was. */
static void
test_waste_is_given_back(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct stat st;
	fill(p);
	look(p, &f);
	for (int i = 0; i < 4000; i++)
		assert_true(folder_set_flags(&f, &f.messages[0], i % 2 ? FLAGS_REMOVE : FLAGS_ADD, FLAG_FLAGGED, 0));
	uint64_t modseq = f.messages[0].modseq, other = f.messages[1].modseq;
	deliver(p, "third");
	assert_true(folder_refresh(&f));
	assert_int_equal(fstatat(p->m.root, INDEX_NAME, &st, 0), 0);
	assert_true(st.st_size < 10000);
	check_view(&f);
	list(&f);
	folder_close(&f);
	look(p, &f);
	assert_int_equal(f.messages[0].modseq, modseq);
	assert_int_equal(f.messages[1].modseq, other);
	check_view(&f);
	folder_close(&f);
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_opened_without_a_look_at_the_directories),
		TEST(test_a_delivery_brings_its_texts),
		TEST(test_sessions_see_each_other_without_a_look),
		TEST(test_a_batch_has_one_modseq),
		TEST(test_truncated_at_every_length),
		TEST(test_each_byte_flipped),
		TEST(test_noise_and_strange_things),
		TEST(test_deleted_under_a_session),
		TEST(test_an_older_one),
		TEST(test_the_clock_goes_back_and_the_index_is_lost),
		TEST(test_foreign_changes_get_modseqs),
		TEST(test_expunged_are_remembered),
		TEST(test_another_file_under_a_known_name),
		TEST(test_another_uid_list),
		TEST(test_a_lock_that_is_not_given_back),
		TEST(test_waste_is_given_back),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
