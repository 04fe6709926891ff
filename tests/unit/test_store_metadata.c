/* Annotations in `dovecot-attributes`, GUIDs of folders, and which message a name says it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/folders.h"
#include "lib/store/metadata.h"
#include "lib/store/name.h"

static char           path[64];
static struct maildir mailbox;

static int
begin(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test-metadata-XXXXXX");
	assert_non_null(mkdtemp(path));
	mailbox.root = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(mailbox.root >= 0);
	return 0;
}

static int
end(void **state)
{
	char command[128];
	(void)state;
	close(mailbox.root);
	snprintf(command, sizeof command, "rm -rf %s", path);
	return system(command);
}

static const struct metadata_owner work = {.guid = {"aa", 2}}, account = {.guid = {"aa", 2}, .account = true};

static struct metadata_change
change(const char *name, const char *value)
{
	return (struct metadata_change){.name = slice_of(name), .value = slice_of(value)};
}

/* NULL: there is none. */
static char *
value_of(struct metadata_owner owner, bool shared, const char *name)
{
	struct metadata d;
	struct str value = STR_MOST(METADATA_FILE_MOST);
	size_t count;
	char *copy = NULL;
	assert_true(metadata_read(&d, &mailbox));
	const struct metadata_entry *e = metadata_of(&d, owner, &count);
	for (size_t i = 0; i < count; i++)
		if (e[i].shared == shared && slice_is_nocase(e[i].name, name) && metadata_value(&value, e[i].value))
			copy = strdup(str_text(&value));
	str_free(&value);
	metadata_free(&d);
	return copy;
}

static void
must_be(struct metadata_owner owner, const char *name, const char *expected)
{
	char *value = value_of(owner, false, name);
	if (expected == NULL)
		assert_null(value);
	else
		assert_string_equal(value, expected);
	free(value);
}

static void
write_raw(const char *text)
{
	int fd = openat(mailbox.root, METADATA_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)));
	close(fd);
}

static void
test_what_is_set_is_read(void **state)
{
	(void)state;
	struct metadata_change changes[] = {change("Comment", "one\r\n\ttwo\x01"), change("vendor/x", "y"), change("comment", "last")};
	assert_true(metadata_set(&mailbox, work, changes, 3, NULL, NULL));
	must_be(work, "COMMENT", "last");
	must_be(work, "vendor/x", "y");
	must_be(account, "comment", NULL);
	struct metadata_change other = change("comment", "the account's\n");
	assert_true(metadata_set(&mailbox, account, &other, 1, NULL, NULL));
	must_be(account, "comment", "the account's\n");
	must_be(work, "comment", "last");
	struct metadata_change gone = change("comment", NULL);
	assert_true(metadata_set(&mailbox, work, &gone, 1, NULL, NULL));
	must_be(work, "comment", NULL);
	must_be(account, "comment", "the account's\n");
}

static void
test_before_and_after_are_what_was_and_is_in_the_file(void **state)
{
	(void)state;
	struct metadata before, after;
	struct metadata_change one = change("one", "1"), two = change("two", "2");
	assert_true(metadata_set(&mailbox, work, &one, 1, NULL, NULL));
	assert_true(metadata_set(&mailbox, work, &two, 1, &before, &after));
	assert_int_equal(before.count, 1);
	assert_int_equal(after.count, 2);
	metadata_free(&before);
	metadata_free(&after);
}

static void
test_dovecots_file_is_read_and_what_is_not_ours_kept(void **state)
{
	(void)state;
	write_raw("priv/aa/vendor/vendor.dovecot/pvt/server/comment\nserv\npriv/aa/comment\nMy\001tcomment\n"
	    "priv/aa/vendor/vendor.dovecot/pvt/sieve/default\nscript\nnonsense\nx\nshared/bb/comment\nother\npriv/aa/lonely\n");
	must_be(work, "comment", "My\tcomment");
	must_be(account, "comment", "serv");
	must_be(work, "vendor/vendor.dovecot/pvt/sieve/default", NULL);
	struct metadata_change c = change("comment", "new");
	assert_true(metadata_set(&mailbox, work, &c, 1, NULL, NULL));
	assert_true(metadata_forget(&mailbox, slice_of("cc")));
	must_be(account, "comment", "serv");
	struct metadata d;
	assert_true(metadata_read(&d, &mailbox));
	assert_non_null(strstr(d.text, "sieve/default\nscript\nnonsense\nx\n"));
	metadata_free(&d);
	assert_true(metadata_forget(&mailbox, work.guid));
	must_be(account, "comment", NULL);
	must_be((struct metadata_owner){.guid = slice_of("bb")}, "comment", NULL);
	char *other = value_of((struct metadata_owner){.guid = slice_of("bb")}, true, "comment");
	assert_string_equal(other, "other");
	free(other);
}

static void
test_what_cannot_be_is_refused_whole(void **state)
{
	(void)state;
	static const char *const names[] = {"", "/", "a/", "/a", "a//b", "a*", "a%", "a\nb", "\xc3\xa9", "Vendor/vendor.dovecot/PVT/x"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct metadata_change changes[] = {change("fine", "x"), change(names[i], "x")};
		assert_false(metadata_set(&mailbox, work, changes, 2, NULL, NULL));
		assert_int_equal(errno, EINVAL);
	}
	must_be(work, "fine", NULL);
}

static void
test_there_are_bounds(void **state)
{
	(void)state;
	static char large[METADATA_VALUE_MOST + 2];
	memset(large, 'x', sizeof large - 1);
	struct metadata_change c = change("large", large);
	assert_false(metadata_set(&mailbox, work, &c, 1, NULL, NULL));
	c.value.len--;
	for (int i = 0; i < 64; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		c.name = slice_of(name);
		bool ok = metadata_set(&mailbox, work, &c, 1, NULL, NULL);
		assert_true(ok || (errno == EDQUOT && i == 63));
	}
}

static void
test_a_name_says_which_message_it_is(void **state)
{
	(void)state;
	char base[NAME_MOST + 1], copy[NAME_MOST + 1], again[NAME_MOST + 1];
	name_unique(base);
	uint64_t identity = name_identity(slice_of(base));
	name_unique_copy(copy, identity);
	name_unique_copy(again, identity);
	assert_string_not_equal(copy, again);
	name_add_sizes(copy, 10, 12);
	assert_true(name_identity(slice_of(copy)) == identity && name_identity(slice_of(again)) == identity);
	assert_true(name_identity(slice_of("1700000000.M1P2R0000000000000abc.host:2,S")) == 0xabc);
	/* Others' names: neither flags nor sizes count. */
	uint64_t other = name_identity(slice_of("1700000000.4242_1.host,S=5:2,"));
	assert_true(other == name_identity(slice_of("1700000000.4242_1.host,S=6,W=7:2,FS")));
	assert_true(other != name_identity(slice_of("1700000000.4242_2.host,S=5:2,")));
	assert_true(name_identity(slice_of("1.M1P2R0000000000000ABC.host")) != 0xabc);
}

static void
test_a_folders_guid(void **state)
{
	(void)state;
	struct guid guid, same;
	assert_true(folders_create(&mailbox, slice_of("Work")));
	assert_true(folders_guid(&mailbox, slice_of("Work"), false, &guid));
	assert_string_equal(guid.text, "");
	assert_true(folders_guid(&mailbox, slice_of("Work"), true, &guid));
	assert_int_equal(strlen(guid.text), 32);
	assert_true(folders_rename(&mailbox, slice_of("Work"), slice_of("Play")));
	assert_true(folders_guid(&mailbox, slice_of("Play"), false, &same));
	assert_string_equal(guid.text, same.text);
	assert_false(folders_guid(&mailbox, slice_of("Work"), true, &same));
	assert_int_equal(errno, ENOENT);
	assert_true(slice_is(guid_of_fields(slice_of("Hx Gab-_9 M5")), "ab-_9"));
	assert_int_equal(guid_of_fields(slice_of("G Ga/b")).len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_set_is_read, begin, end),
		cmocka_unit_test_setup_teardown(test_before_and_after_are_what_was_and_is_in_the_file, begin, end),
		cmocka_unit_test_setup_teardown(test_dovecots_file_is_read_and_what_is_not_ours_kept, begin, end),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_is_refused_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_there_are_bounds, begin, end),
		cmocka_unit_test_setup_teardown(test_a_name_says_which_message_it_is, begin, end),
		cmocka_unit_test_setup_teardown(test_a_folders_guid, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
