/* The file of sketches (lib/store/sketches.h): whatever happens to it, what is read of it was written. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/sketch_record.h"

#define COUNT 6

static char           path[] = "/tmp/test-sketches-XXXXXX", names[COUNT][16];
static struct message messages[COUNT];
static struct folder  folder;
static const struct slice meaning = {"test", 4};

static int
begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(path));
	folder = (struct folder){.messages = messages, .count = COUNT, .uidvalidity = 7,
	    .directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "name%zu:2,S", i);
		messages[i] = (struct message){.uid = 10 * ((uint32_t)i + 1), .name = names[i], .base_len = 5, .inode = 100 + i};
	}
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	close(folder.directory);
	return rmdir(path);
}

/* Bits of message i: 64, 128 ... bytes, all the same. */
static struct slice
bits_of(size_t i)
{
	static char bits[64 * COUNT];
	memset(bits, 'a' + (int)i, sizeof bits);
	return slice_make(bits, 64 * (i + 1));
}

static void
write_all(void)
{
	struct sketch_file x;
	struct sketch s;
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	assert_true(sketches_open(&x, &folder, meaning) && x.writes);
	assert_false(sketches_next(&x, &s));
	for (size_t i = 0; i < COUNT; i++)
		assert_true(sketches_add(&x, &messages[i], messages[i].inode, bits_of(i)));
	sketches_close(&x);
}

/* How many the file has; each of them is one of those that were written, in their order. */
static size_t
count_right(struct sketch_file *x)
{
	struct sketch s;
	size_t hint = 0, count = 0;
	for (; sketches_next(x, &s); count++) {
		const struct message *m = sketch_message(&folder, &s, &hint);
		assert_ptr_equal(m, &messages[count]);
		assert_true(slice_equal(s.bits, bits_of(count)));
	}
	return count;
}

static size_t
count_in_file(void)
{
	struct sketch_file x;
	size_t count = sketches_open(&x, &folder, meaning) ? count_right(&x) : 0;
	sketches_close(&x);
	return count;
}

static void
put(const char *content, size_t len)
{
	int fd = openat(folder.directory, SKETCHES_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, content, len));
	close(fd);
}

static char *
get(size_t *len)
{
	char *content = file_read_whole(folder.directory, SKETCHES_NAME, 1 << 20, len);
	assert_non_null(content);
	return content;
}

static void
test_what_was_written_is_read(void **state)
{
	(void)state;
	write_all();
	assert_int_equal(count_in_file(), COUNT);
}

/* A crash, or a disk that was full. */
static void
test_cut_short_at_each_byte(void **state)
{
	(void)state;
	size_t len, last = 0;
	write_all();
	char *content = get(&len);
	for (size_t cut = 0; cut <= len; cut++) {
		put(content, cut);
		size_t count = count_in_file();
		assert_true(count >= last && count <= last + 1);
		last = count;
	}
	assert_int_equal(last, COUNT);
	free(content);
}

static void
test_each_byte_changed(void **state)
{
	(void)state;
	size_t len;
	write_all();
	char *content = get(&len);
	for (size_t i = 0; i < len; i++) {
		content[i] ^= 1;
		put(content, len);
		content[i] ^= 1;
		assert_true(count_in_file() < COUNT);
	}
	free(content);
}

/* The writer takes away what is not sound, and goes on there. */
static void
test_a_torn_end_is_mended(void **state)
{
	(void)state;
	struct sketch_file x;
	size_t len, again;
	write_all();
	char *content = get(&len);
	put(content, len - 1);
	assert_true(sketches_open(&x, &folder, meaning));
	assert_int_equal(count_right(&x), COUNT - 1);
	assert_true(sketches_add(&x, &messages[COUNT - 1], messages[COUNT - 1].inode, bits_of(COUNT - 1)));
	sketches_close(&x);
	char *mended = get(&again);
	assert_int_equal(again, len);
	assert_memory_equal(mended, content, len);
	free(content);
	free(mended);
}

static void
test_of_another_folder_or_meaning(void **state)
{
	(void)state;
	struct sketch_file x;
	write_all();
	folder.uidvalidity = 8;
	assert_int_equal(count_in_file(), 0);
	folder.uidvalidity = 7;
	assert_int_equal(count_in_file(), 0);
	write_all();
	assert_true(sketches_open(&x, &folder, slice_of("other")));
	assert_int_equal(count_right(&x), 0);
	sketches_close(&x);
}

/* UID, name and inode must agree, as far as the view knows them. */
static void
test_of_another_message(void **state)
{
	(void)state;
	struct sketch s = {.uid = messages[2].uid, .inode = messages[2].inode, .name = sketch_name(&messages[2])}, other = s;
	size_t hint = 0;
	assert_ptr_equal(sketch_message(&folder, &s, &hint), &messages[2]);
	other.uid = messages[3].uid;
	assert_null(sketch_message(&folder, &other, &hint));
	other = s;
	other.inode++;
	assert_null(sketch_message(&folder, &other, &hint));
	messages[2].inode = 0;
	assert_ptr_equal(sketch_message(&folder, &other, &hint), &messages[2]);
	messages[2].inode = s.inode;
	other = s;
	other.name++;
	assert_null(sketch_message(&folder, &other, &hint));
}

/* One writes, others read; nobody waits. */
static void
test_two_at_once(void **state)
{
	(void)state;
	struct sketch_file first, second;
	struct sketch s;
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	assert_true(sketches_open(&first, &folder, meaning) && first.writes);
	assert_true(sketches_open(&second, &folder, meaning));
	assert_false(second.writes || sketches_next(&first, &s) || sketches_next(&second, &s));
	assert_true(sketches_add(&first, &messages[0], messages[0].inode, bits_of(0)));
	assert_false(sketches_add(&second, &messages[0], messages[0].inode, bits_of(0)));
	sketches_close(&first);
	sketches_close(&second);
	assert_int_equal(count_in_file(), 1);
}

/* More than is read or written at a time; every second one goes, those that stay can be read, and more be added. */
static void
test_removing(void **state)
{
	(void)state;
	static char bits[SKETCH_MOST];
	struct sketch_file x;
	struct sketch s;
	struct stat st;
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	assert_true(sketches_open(&x, &folder, meaning) && !sketches_next(&x, &s));
	for (uint64_t i = 0; i < 40; i++)
		assert_true(sketches_add(&x, &messages[1], 1000 + i, slice_make(bits, i % 2 == 0 ? SKETCH_MOST : 8 * i)));
	sketches_close(&x);
	assert_true(sketches_open(&x, &folder, meaning));
	while (sketches_next(&x, &s))
		;
	uint64_t all = x.end;
	sketches_keep_begin(&x);
	while (sketches_next(&x, &s))
		if (s.inode % 2 == 0)
			assert_true(sketches_keep(&x, &s));
	assert_true(sketches_kept(&x));
	assert_true(sketches_add(&x, &messages[1], 1040, slice_make(bits, 64)));
	sketches_close(&x);
	assert_int_equal(fstatat(folder.directory, SKETCHES_NAME, &st, 0), 0);
	assert_true((uint64_t)st.st_size < all);
	assert_true(sketches_open(&x, &folder, meaning));
	for (uint64_t inode = 1000; inode <= 1040; inode += 2)
		assert_true(sketches_next(&x, &s) && s.inode == inode && s.bits.len == (inode < 1040 ? SKETCH_MOST : 64));
	assert_false(sketches_next(&x, &s));
	sketches_close(&x);
}

/* Never through a link, into a FIFO, or into a file that bears another name. */
static void
test_other_things_of_that_name(void **state)
{
	(void)state;
	size_t len;
	char target[64];
	snprintf(target, sizeof target, "%s/target", path);
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, "canary", 6));
	close(fd);
	for (int kind = 0; kind < 3; kind++) {
		unlinkat(folder.directory, SKETCHES_NAME, 0);
		int made = kind == 0 ? symlinkat("target", folder.directory, SKETCHES_NAME)
		    : kind == 1 ? linkat(folder.directory, "target", folder.directory, SKETCHES_NAME, 0)
		                : mkfifoat(folder.directory, SKETCHES_NAME, 0600);
		assert_int_equal(made, 0);
		assert_int_equal(count_in_file(), 0);
		assert_int_equal(count_in_file(), 0);
		char *content = file_read_whole(folder.directory, "target", 100, &len);
		assert_memory_equal(content, "canary", 7);
		free(content);
	}
	unlink(target);
	unlinkat(folder.directory, SKETCHES_NAME, 0);
	assert_int_equal(mkdirat(folder.directory, SKETCHES_NAME, 0700), 0);
	assert_int_equal(count_in_file(), 0);
	assert_int_equal(unlinkat(folder.directory, SKETCHES_NAME, AT_REMOVEDIR), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_cut_short_at_each_byte),
		cmocka_unit_test(test_each_byte_changed),
		cmocka_unit_test(test_a_torn_end_is_mended),
		cmocka_unit_test(test_of_another_folder_or_meaning),
		cmocka_unit_test(test_of_another_message),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_removing),
		cmocka_unit_test(test_other_things_of_that_name),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
