/* lib/store on a directory of its own: UIDs, flags, keywords, copies, folders, subscriptions, and hostile content. */
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
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/folder.h"
#include "lib/store/folders.h"
#include "lib/store/save.h"
#include "lib/store/subscriptions.h"

struct place {
	char           path[64];
	int            mail_root;
	struct maildir m;
};

static int
begin(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	assert_non_null(p);
	strcpy(p->path, "/tmp/test-store-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->mail_root = open(p->path, O_RDONLY | O_DIRECTORY);
	assert_true(p->mail_root >= 0);
	assert_true(maildir_open(&p->m, p->mail_root, "example.org/anna/", true));
	*state = p;
	return 0;
}

static void
remove_all(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", path, (char *)NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

static int
end(void **state)
{
	struct place *p = *state;
	maildir_close(&p->m);
	close(p->mail_root);
	remove_all(p->path);
	free(p);
	return 0;
}

static void
open_folder(struct place *p, struct folder *f, const char *name)
{
	assert_true(folder_open(f, &p->m, slice_of(name), false));
	assert_true(folder_refresh(f));
}

/* The base of the message is kept in `base` when not NULL. */
static void
save_text(struct place *p, const char *folder, enum save_place place, const char *text, char *base)
{
	struct folder f;
	struct save s;
	assert_true(folder_open(&f, &p->m, slice_of(folder), true));
	assert_true(save_begin(&s, &f));
	for (const char *at = text; *at != '\0'; at++)
		save_write(&s, at, 1);
	assert_true(save_finish(&s, place, place == SAVE_CUR ? FLAG_SEEN : 0, 0, place == SAVE_CUR ? 1000000000 : 0));
	if (base != NULL)
		strcpy(base, s.name);
	folder_close(&f);
}

static void
put_file(int directory, const char *name, const char *content)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, content, strlen(content)));
	close(fd);
}

static void
test_paths(void **state)
{
	struct place *p = *state;
	struct maildir m;
	static const char *const bad[] = {"", "/", "/etc/", "..", "../x/", "a/../b/", "a/./b", "a/..", "./a", ".", "//"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		errno = 0;
		assert_false(maildir_open(&m, p->mail_root, bad[i], true));
		assert_int_equal(errno, EINVAL);
	}
	assert_false(maildir_open(&m, p->mail_root, "example.org/bert/", false));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(symlinkat("/tmp", p->mail_root, "link"), 0);
	assert_false(maildir_open(&m, p->mail_root, "link/x/", true));
	assert_false(maildir_open(&m, p->mail_root, "link", true));
	struct stat st;
	assert_int_equal(fstatat(p->mail_root, "example.org/anna/new", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
test_save_and_sizes(void **state)
{
	struct place *p = *state;
	struct folder f;
	uint64_t size;
	time_t date;
	char text[64] = "";
	save_text(p, "INBOX", SAVE_CUR, "a\r\n\r\nb\nc\rd\r\r\ne\r", NULL);
	open_folder(p, &f, "inbox");
	assert_int_equal(f.count, 1);
	assert_int_equal(f.messages[0].flags, FLAG_SEEN);
	int fd = folder_open_message(&f, &f.messages[0]);
	assert_true(read(fd, text, sizeof text) > 0);
	close(fd);
	assert_string_equal(text, "a\n\nb\nc\rd\r\ne\r");
	assert_true(folder_message_size(&f, &f.messages[0], &size));
	assert_int_equal(size, strlen("a\r\n\r\nb\r\nc\rd\r\r\ne\r"));
	assert_true(folder_message_date(&f, &f.messages[0], &date));
	assert_int_equal(date, 1000000000);
	folder_close(&f);
}

static void
test_abort_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct save s;
	assert_true(folder_open(&f, &p->m, slice_of("INBOX"), true));
	assert_true(save_begin(&s, &f));
	save_write(&s, "x", 1);
	save_abort(&s);
	save_abort(&s);
	assert_int_equal(unlinkat(f.tmp, s.name, 0), -1);
	assert_true(folder_refresh(&f));
	assert_int_equal(f.count, 0);
	folder_close(&f);
}

/* Promise 18: the same after a restart; after the list is lost a new, larger uidvalidity. */
static void
test_uids_stay(void **state)
{
	struct place *p = *state;
	struct folder f;
	for (int i = 0; i < 3; i++)
		save_text(p, "INBOX", SAVE_NEW, "x\n", NULL);
	open_folder(p, &f, "INBOX");
	assert_int_equal(f.count, 3);
	assert_int_equal(f.messages[2].uid, 3);
	assert_int_equal(f.uidnext, 4);
	assert_true(f.messages[0].recent);
	uint32_t validity = f.uidvalidity;
	assert_true(folder_expunge(&f, &f.messages[2]));
	folder_close(&f);
	save_text(p, "INBOX", SAVE_NEW, "y\n", NULL);
	open_folder(p, &f, "INBOX");
	assert_int_equal(f.count, 3);
	assert_int_equal(f.messages[2].uid, 4);
	assert_int_equal(f.uidvalidity, validity);
	assert_false(f.messages[0].recent);
	folder_close(&f);

	static const char *const noise[] = {"", "3 V1", "noise\n", "3 V0 N1\n", "3 V5 N9\n1 :a\n1 :b\n", "3 V5 N9\n2 :a\n3 :\n",
	    "3 V5 N9 \n\n", "3 V5 N9\n9 :\n", "1 2\n", "3 V99999999999 N1\n", "\n\n\n"};
	for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
		put_file(p->m.root, "dovecot-uidlist", noise[i]);
		open_folder(p, &f, "INBOX");
		assert_true(f.uidvalidity > validity);
		assert_int_equal(f.count, 3);
		assert_int_equal(f.messages[2].uid, 3);
		validity = f.uidvalidity;
		folder_close(&f);
	}
	unlinkat(p->m.root, "dovecot-uidlist", 0);
	assert_int_equal(symlinkat("/etc/passwd", p->m.root, "dovecot-uidlist"), 0);
	open_folder(p, &f, "INBOX");
	assert_true(f.uidvalidity > validity);
	folder_close(&f);
}

static void
test_two_sessions(void **state)
{
	struct place *p = *state;
	struct folder a, b;
	char base[NAME_MOST + 1];
	save_text(p, "INBOX", SAVE_NEW, "1\n", NULL);
	save_text(p, "INBOX", SAVE_NEW, "2\n", NULL);
	open_folder(p, &a, "INBOX");
	open_folder(p, &b, "INBOX");
	assert_int_equal(b.count, 2);
	/* b does not know a's renames and the other way round. */
	assert_true(folder_set_flags(&a, &a.messages[0], FLAGS_ADD, FLAG_SEEN, 0));
	assert_true(folder_set_flags(&b, &b.messages[0], FLAGS_ADD, FLAG_FLAGGED, 0));
	assert_int_equal(b.messages[0].flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_true(folder_set_flags(&a, &a.messages[0], FLAGS_REMOVE, FLAG_SEEN, 0));
	assert_int_equal(a.messages[0].flags, FLAG_FLAGGED);
	assert_true(folder_refresh(&b));
	assert_int_equal(b.messages[0].flags, FLAG_FLAGGED);
	assert_true(b.messages[0].changed);
	/* Gone and new ones are seen. */
	assert_true(folder_expunge(&a, &a.messages[0]));
	save_text(p, "INBOX", SAVE_NEW, "3\n", base);
	assert_true(folder_refresh(&b));
	assert_int_equal(b.count, 3);
	assert_true(b.messages[0].vanished);
	assert_int_equal(folder_open_message(&b, &b.messages[0]), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(folder_expunge(&b, &b.messages[0]));
	assert_int_equal(b.vanished, 1);
	folder_drop(&b, NULL, NULL);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.messages[1].uid, 3);
	assert_ptr_equal(folder_find_base(&b, base), &b.messages[1]);
	assert_true(folder_refresh(&a));
	assert_int_equal(a.messages[a.count - 1].uid, 3);
	folder_close(&a);
	folder_close(&b);
}

static void
test_keywords_and_copy(void **state)
{
	struct place *p = *state;
	struct folder f, to;
	struct folder_added added;
	char base[NAME_MOST + 1];
	assert_true(folders_create(&p->m, slice_of("Work.Plans")));
	save_text(p, "INBOX", SAVE_CUR, "x\n", NULL);
	open_folder(p, &f, "INBOX");
	open_folder(p, &to, "Work.Plans");
	int other = folder_keyword(&to, slice_of("other"), true);
	int junk = folder_keyword(&f, slice_of("$Junk"), true);
	assert_int_equal(other, 0);
	assert_int_equal(junk, 0);
	assert_int_equal(folder_keyword(&f, slice_of("$JUNK"), true), 0);
	assert_int_equal(folder_keyword(&f, slice_of("none"), false), -1);
	assert_int_equal(folder_keyword(&f, slice_of("a b"), true), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(folder_set_flags(&f, &f.messages[0], FLAGS_ADD, 0, 1u << junk));
	assert_true(folder_copy(&f, &f.messages[0], &to, base, &added));
	assert_true(folder_sync(&to));
	assert_true(folder_refresh(&to));
	struct message *m = folder_find_base(&to, base);
	assert_non_null(m);
	assert_int_equal(m->uid, 1);
	assert_int_equal(m->flags, FLAG_SEEN);
	assert_int_equal(m->keywords, 1u << 1);
	assert_string_equal(to.keywords[1], "$Junk");
	for (int i = 1; i < KEYWORDS_MOST; i++) {
		char name[16];
		snprintf(name, sizeof name, "k%d", i);
		assert_int_equal(folder_keyword(&f, slice_of(name), true), i);
	}
	assert_int_equal(folder_keyword(&f, slice_of("more"), true), -1);
	assert_int_equal(errno, ENOSPC);
	folder_close(&f);
	folder_close(&to);
}

static void
test_odd_names(void **state)
{
	struct place *p = *state;
	struct folder f;
	int cur = openat(p->m.root, "cur", O_RDONLY | O_DIRECTORY);
	size_t expected = 0;
	for (int byte = 1; byte < 256; byte++) {
		char name[16] = {'m', 'x', (char)byte, 'y', '\0'};
		if (byte == '/')
			continue;
		put_file(cur, name, "x\n");
		/* ':' cuts the base: "mx" */
		expected += byte >= 0x20 && byte != 0x7f;
	}
	put_file(cur, "mxS=5,S=99999999999999999999999,W=x:2,SZ-,tail", "x\n");
	put_file(cur, ".hidden", "x\n");
	assert_int_equal(symlinkat("/etc/passwd", cur, "link:2,S"), 0);
	assert_int_equal(mkdirat(cur, "directory", 0700), 0);
	assert_int_equal(mkfifoat(cur, "fifo", 0600), 0);
	open_folder(p, &f, "INBOX");
	assert_int_equal(f.count, expected + 1);
	for (size_t i = 0; i < f.count; i++) {
		uint64_t size;
		assert_true(folder_message_size(&f, &f.messages[i], &size));
		assert_int_equal(size, 3);
		assert_true(folder_set_flags(&f, &f.messages[i], FLAGS_REPLACE, FLAG_DRAFT | FLAG_SEEN, 1));
	}
	struct stat st;
	assert_int_equal(fstatat(cur, "mxS=5,S=99999999999999999999999,W=x:2,-DSZa,tail", &st, 0), 0);
	folder_close(&f);
	open_folder(p, &f, "INBOX");
	assert_int_equal(f.count, expected + 1);
	for (size_t i = 0; i < f.count; i++)
		assert_int_equal(f.messages[i].uid, i + 1);
	folder_close(&f);
	close(cur);
}

static void
test_folder_names(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "Work.Plans", "&AOQ-", "a&-b", "x y", "~", "Inbox.a", "&2Dzf+A-"};
	static const char *const bad[] = {"", ".", "..", ".a", "a.", "a..b", "a/b", "INBOX", "inbox", "a\nb", "\x7f", "\xc3\xa4",
	    "&", "&AOQ", "&AAA-", "&AC8-", "&AC4-", "&AGE-", "&2Dw-", "&3+A-", "&AOQ-&AOQ-", "&A-", "&AOR-", "&AOQ=-", "&AIU-"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(folders_name_ok(slice_of(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(folders_name_ok(slice_of(bad[i])));
	assert_false(folders_name_ok(slice_make("a\0b", 3)));
	char name[300];
	memset(name, 'a', sizeof name);
	assert_true(folders_name_ok(slice_make(name, FOLDER_NAME_MOST)));
	assert_false(folders_name_ok(slice_make(name, FOLDER_NAME_MOST + 1)));
}

static void
test_folders(void **state)
{
	struct place *p = *state;
	struct folder f;
	struct folder_names names;
	assert_true(folders_create(&p->m, slice_of("b")));
	assert_false(folders_create(&p->m, slice_of("b")));
	assert_int_equal(errno, EEXIST);
	assert_true(folders_create(&p->m, slice_of("a.x")));
	assert_int_equal(mkdirat(p->m.root, ".bad\xc3\xa4", 0700), 0);
	assert_int_equal(symlinkat("/tmp", p->m.root, ".link"), 0);
	put_file(p->m.root, ".file", "");
	assert_true(folders_list(&p->m, &names));
	assert_int_equal(names.count, 2);
	assert_string_equal(names.names[0], "a.x");
	folders_free(&names);
	assert_false(folder_open(&f, &p->m, slice_of("link"), false));
	assert_false(folders_delete(&p->m, slice_of("INBOX")));
	assert_false(folders_delete(&p->m, slice_of("none")));

	save_text(p, "b", SAVE_NEW, "x\n", NULL);
	open_folder(p, &f, "b");
	uint32_t validity = f.uidvalidity;
	folder_close(&f);
	assert_true(folders_rename(&p->m, slice_of("b"), slice_of("c.d")));
	open_folder(p, &f, "c.d");
	assert_int_equal(f.uidvalidity, validity);
	assert_int_equal(f.count, 1);
	folder_close(&f);
	assert_true(folders_rename(&p->m, slice_of("a"), slice_of("e")));
	assert_true(folders_exists(&p->m, slice_of("e.x")));
	assert_false(folders_rename(&p->m, slice_of("e"), slice_of("e.y")));
	assert_false(folders_rename(&p->m, slice_of("none"), slice_of("n")));
	assert_int_equal(errno, ENOENT);
	assert_false(folders_rename(&p->m, slice_of("e.x"), slice_of("c.d")));
	assert_int_equal(errno, EEXIST);
	assert_true(folders_delete(&p->m, slice_of("c.d")));
	assert_false(folders_exists(&p->m, slice_of("c.d")));
	/* A new one of the same name is another one. */
	assert_true(folders_create(&p->m, slice_of("c.d")));
	open_folder(p, &f, "c.d");
	assert_true(f.uidvalidity > validity);
	folder_close(&f);
	save_text(p, "INBOX", SAVE_NEW, "x\n", NULL);
	assert_true(folders_rename(&p->m, slice_of("INBOX"), slice_of("old")));
	open_folder(p, &f, "old");
	assert_int_equal(f.count, 1);
	folder_close(&f);
	open_folder(p, &f, "INBOX");
	assert_int_equal(f.count, 0);
	folder_close(&f);
}

static void
test_subscriptions(void **state)
{
	struct place *p = *state;
	struct folder_names names;
	char *text;
	size_t len;
	assert_true(subscriptions_list(&p->m, &names));
	assert_int_equal(names.count, 0);
	assert_true(subscriptions_set(&p->m, slice_of("Work.Plans"), true));
	assert_true(subscriptions_set(&p->m, slice_of("inbox"), true));
	assert_true(subscriptions_set(&p->m, slice_of("inbox"), true));
	text = file_read_whole(p->m.root, "subscriptions", 1000, &len);
	assert_string_equal(text, "V\t2\n\nWork\tPlans\nINBOX\n");
	free(text);
	assert_true(subscriptions_set(&p->m, slice_of("Work.Plans"), false));
	assert_true(subscriptions_list(&p->m, &names));
	assert_int_equal(names.count, 1);
	assert_string_equal(names.names[0], "INBOX");
	folders_free(&names);
	put_file(p->m.root, "subscriptions", "b.c\na\na\n../x\n");
	assert_true(subscriptions_set(&p->m, slice_of("z"), true));
	text = file_read_whole(p->m.root, "subscriptions", 1000, &len);
	assert_string_equal(text, "b.c\na\na\n../x\nz\n");
	free(text);
	assert_true(subscriptions_list(&p->m, &names));
	assert_int_equal(names.count, 3);
	folders_free(&names);
	assert_false(subscriptions_set(&p->m, slice_of("../x"), true));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_paths),
	    TEST(test_save_and_sizes),
	    TEST(test_abort_leaves_nothing),
	    TEST(test_uids_stay),
	    TEST(test_two_sessions),
	    TEST(test_keywords_and_copy),
	    TEST(test_odd_names),
	    cmocka_unit_test(test_folder_names),
	    TEST(test_folders),
	    TEST(test_subscriptions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
