/* The journal: what is written is found; what is torn, of another round or only looks like a record is not; what a crash tore is made good. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "queue/checksum.h"
#include "queue/ended.h"
#include "queue/file.h"
#include "queue/journal.h"

#define SIZE (1u << 20)
#define KEY  0x0123456789abcdefu

static const struct slice none = {"", 0};

static int
new_file(void)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);
	assert_true(fd >= 0 && ftruncate(fd, SIZE) == 0);
	return fd;
}

static off_t
put(int fd, off_t at, uint64_t key, uint64_t id, const char *text)
{
	assert_true(journal_write(fd, at, key, id, slice_of("header\n"), slice_of(text)));
	return at + (off_t)journal_room(slice_of("header\n"), slice_of(text));
}

/* The ids of all records whose sums agree, in order, as one text: "1 2 3 ". */
static const char *
found(int fd, uint64_t key)
{
	static char ids[1024];
	struct journal_record r;
	off_t at = JOURNAL_BLOCK;
	size_t len = 0;
	ids[0] = '\0';
	int result;
	while ((result = journal_next(fd, SIZE, key, &at, &r)) > 0) {
		char *bytes = journal_read(fd, key, &r);
		if (bytes != NULL)
			len += (size_t)snprintf(ids + len, sizeof ids - len, "%llu ", (unsigned long long)r.id);
		else
			assert_int_equal(errno, EBADMSG);
		free(bytes);
	}
	assert_int_equal(result, 0);
	return ids;
}

static void
test_head(void **state)
{
	(void)state;
	int fd = new_file();
	uint64_t key = 0;
	assert_int_equal(journal_look(fd, &key), JOURNAL_BLANK);
	assert_true(journal_begin_round(fd, KEY));
	assert_int_equal(journal_look(fd, &key), JOURNAL_USED);
	assert_true(key == KEY);
	assert_true(journal_keep(fd, KEY));
	assert_int_equal(journal_look(fd, &key), JOURNAL_KEPT);
	assert_true(key == KEY);
	assert_true(journal_end_round(fd));
	assert_int_equal(journal_look(fd, &key), JOURNAL_BLANK);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(journal_look(fd, &key), JOURNAL_BLANK);
	close(fd);
}

static void
test_records(void **state)
{
	(void)state;
	int fd = new_file();
	char large[9000];
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	off_t at = put(fd, JOURNAL_BLOCK, KEY, 1, "one");
	at = put(fd, at, KEY, 2, large);
	at = put(fd, at, KEY, 3, "");
	assert_string_equal(found(fd, KEY), "1 2 3 ");
	assert_string_equal(found(fd, KEY + 1), "");
	struct journal_record r;
	at = JOURNAL_BLOCK;
	assert_int_equal(journal_next(fd, SIZE, KEY, &at, &r), 1);
	char *bytes = journal_read(fd, KEY, &r);
	assert_string_equal(bytes, "header\none");
	free(bytes);
	close(fd);
}

/* Each block of the middle one is lost in turn: never it, always the others. */
static void
test_torn(void **state)
{
	(void)state;
	char large[9000], zeros[JOURNAL_BLOCK] = {0};
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	for (int block = 0; block < 3; block++) {
		int fd = new_file();
		off_t two = put(fd, JOURNAL_BLOCK, KEY, 1, "one");
		put(fd, put(fd, two, KEY, 2, large), KEY, 3, "three");
		assert_string_equal(found(fd, KEY), "1 2 3 ");
		assert_true(file_write_at(fd, zeros, sizeof zeros, two + block * JOURNAL_BLOCK));
		assert_string_equal(found(fd, KEY), "1 3 ");
		close(fd);
	}
}

/* Every bit of a record's line and text counts. */
static void
test_bits(void **state)
{
	(void)state;
	int fd = new_file();
	put(fd, JOURNAL_BLOCK, KEY, 1, "one");
	for (off_t at = JOURNAL_BLOCK; at < JOURNAL_BLOCK + JOURNAL_LINE_LEN + 10; at++)
		for (int bit = 0; bit < 8; bit++) {
			char right, wrong;
			assert_true(file_read_at(fd, &right, 1, at));
			wrong = (char)(right ^ 1 << bit);
			assert_true(file_write_at(fd, &wrong, 1, at));
			assert_string_equal(found(fd, KEY), "");
			assert_true(file_write_at(fd, &right, 1, at));
		}
	assert_string_equal(found(fd, KEY), "1 ");
	close(fd);
}

/* A record of the round before stands behind the new ones; and a message holds one that is right but for the key. */
static void
test_other_rounds(void **state)
{
	(void)state;
	int fd = new_file();
	char trap[3 * JOURNAL_BLOCK] = {0};
	memset(trap, '\n', sizeof trap - 1);
	int inner = new_file();
	put(inner, 0, KEY + 7, 9, "not sent by anybody");
	size_t before = JOURNAL_BLOCK - JOURNAL_LINE_LEN - 7; /* so that it begins a block */
	assert_true(file_read_at(inner, trap + before, 200, 0));
	close(inner);
	assert_true(journal_write(fd, JOURNAL_BLOCK, KEY, 1, slice_of("header\n"), slice_make(trap, sizeof trap)));
	off_t at = put(fd, 5 * JOURNAL_BLOCK, KEY, 2, "old");
	put(fd, at, KEY, 3, "old");
	assert_string_equal(found(fd, KEY), "1 2 3 ");
	/* The next round's first record leaves the trap at the beginning of a block. */
	put(fd, JOURNAL_BLOCK, KEY + 1, 4, "new");
	assert_string_equal(found(fd, KEY + 1), "4 ");
	assert_string_equal(found(fd, KEY + 7), "9 ");
	close(fd);
}

static void
test_lengths_that_lie(void **state)
{
	(void)state;
	static const char *const lengths[] = {"00262145", "99999999", "0000000x", "-0000001", "        "};
	int fd = new_file();
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char line[64];
		snprintf(line, sizeof line, "record %016llx 2222222222223 %s 00000000\n", (unsigned long long)KEY, lengths[i]);
		assert_true(file_write_at(fd, line, JOURNAL_LINE_LEN, SIZE - JOURNAL_BLOCK));
		assert_string_equal(found(fd, KEY), "");
	}
	/* Longer than what is left of the file. */
	assert_true(file_write_at(fd, "record 0123456789abcdef 2222222222223 00004041 00000000\n", JOURNAL_LINE_LEN, SIZE - JOURNAL_BLOCK));
	assert_string_equal(found(fd, KEY), "");
	close(fd);
}

/* --- recover ----------------------------------------------------------------------- */

struct place {
	char path[64];
	struct queue_directory directory;
};

static void
open_place(struct place *p)
{
	strcpy(p->path, "/tmp/postern-unit-journal-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	assert_true(queue_directory_open(&p->directory, p->path));
}

static void
close_place(struct place *p)
{
	char command[128];
	queue_directory_close(&p->directory);
	snprintf(command, sizeof command, "rm -r '%s'", p->path);
	assert_int_equal(system(command), 0);
}

static struct str
message_of(uint64_t id)
{
	struct str header = STR_MOST(FILE_HEADER_MOST);
	char mark[FILE_MARK_LEN];
	queue_file_build_begin(&header, id, slice_of("a@x.test"));
	queue_file_build_recipient(&header, slice_of("b@x.test"));
	queue_file_build_recipient_end(&header);
	queue_file_build_recipient(&header, slice_of("c@x.test"));
	queue_file_build_recipient_end(&header);
	queue_file_build_end(&header);
	queue_file_build_mark(mark, str_slice(&header), 5, checksum_add(0, "body\n", 5));
	memcpy(header.data, mark, sizeof mark);
	str_append_text(&header, "body\n");
	return header;
}

/* Writes the message's own file, cut to `len` bytes. */
static void
make_own_file(const struct place *p, uint64_t id, size_t len)
{
	struct str all = message_of(id);
	int fd = queue_directory_create(&p->directory, id);
	assert_true(fd >= 0 && file_write_all(fd, all.data, len < all.len ? len : all.len));
	close(fd);
	str_free(&all);
}

static void
make_journal(const struct place *p, unsigned number, uint64_t first, uint64_t last)
{
	assert_true(journal_make(&p->directory, number, SIZE));
	int fd = journal_open(&p->directory, number);
	assert_true(fd >= 0 && journal_begin_round(fd, KEY + number));
	off_t at = JOURNAL_BLOCK;
	for (uint64_t id = first; id <= last; id++) {
		struct str all = message_of(id);
		assert_true(journal_write(fd, at, KEY + number, id, str_slice(&all), none));
		at += (off_t)journal_room(str_slice(&all), none);
		str_free(&all);
	}
	close(fd);
}

/* The status of the first recipient in its file, or '0': there is none, or it is not whole. */
static char
status_of(const struct place *p, uint64_t id)
{
	struct queue_file f;
	char status = '0';
	int fd = queue_directory_open_file(&p->directory, id, O_RDWR);
	if (fd < 0)
		return status;
	if (queue_file_read(fd, true, &f) == FILE_OK) {
		assert_true(f.id == id);
		status = (char)f.recipients[0].status;
		queue_file_free(&f);
	}
	close(fd);
	return status;
}

static void
mark_delivered(const struct place *p, uint64_t id)
{
	struct queue_file f;
	struct outcome o = outcome_done();
	int fd = queue_directory_open_file(&p->directory, id, O_RDWR);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(queue_file_mark(fd, &f.recipients[0], RECIPIENT_DELIVERED, &o));
	queue_file_free(&f);
	close(fd);
}

static void
check_blank(const struct place *p)
{
	for (unsigned i = 0; i < JOURNAL_FILES; i++) {
		uint64_t key;
		int fd = journal_open(&p->directory, i);
		assert_true(fd >= 0);
		assert_int_equal(journal_look(fd, &key), JOURNAL_BLANK);
		close(fd);
	}
}

/* Lost, torn at several lengths, of another message, whole with its marks, and ended. */
static void
test_recover(void **state)
{
	(void)state;
	struct place p;
	open_place(&p);
	make_journal(&p, 0, 1, 6);
	make_journal(&p, 1, 7, 9);
	make_own_file(&p, 2, 0);
	make_own_file(&p, 3, 200);
	make_own_file(&p, 4, SIZE);
	mark_delivered(&p, 4);
	make_own_file(&p, 7, SIZE);
	assert_true(ended_begin(p.directory.journal));
	ended_note(5);
	ended_note(8);
	journal_recover(&p.directory, SIZE, 0);
	char all[10] = "";
	for (uint64_t id = 1; id <= 9; id++)
		all[id - 1] = status_of(&p, id);
	assert_string_equal(all, "---D0--0-");
	check_blank(&p);
	/* What a second start finds needs nothing. */
	assert_true(queue_directory_remove(&p.directory, 1));
	journal_recover(&p.directory, SIZE, 0);
	assert_int_equal(status_of(&p, 1), '0');
	close_place(&p);
}

/* Its messages' files were not to be made durable: what can be read of them is not believed, but an end is. */
static void
test_recover_what_was_kept(void **state)
{
	(void)state;
	struct place p;
	open_place(&p);
	make_journal(&p, 0, 1, 2);
	make_own_file(&p, 1, SIZE);
	mark_delivered(&p, 1);
	int fd = journal_open(&p.directory, 0);
	assert_true(journal_keep(fd, KEY));
	close(fd);
	assert_true(ended_begin(p.directory.journal));
	ended_note(2);
	journal_recover(&p.directory, SIZE, 0);
	assert_int_equal(status_of(&p, 1), '-');
	assert_int_equal(status_of(&p, 2), '0');
	check_blank(&p);
	close_place(&p);
}

static void
test_size(void **state)
{
	(void)state;
	struct place p;
	open_place(&p);
	make_journal(&p, 0, 1, 1);
	journal_recover(&p.directory, 2 * SIZE, 0); /* another size: the messages first */
	assert_int_equal(status_of(&p, 1), '-');
	int fd = journal_open(&p.directory, 0);
	assert_true(lseek(fd, 0, SEEK_END) == 2 * SIZE);
	close(fd);
	check_blank(&p);
	journal_recover(&p.directory, 0, 0);
	assert_true(journal_open(&p.directory, 0) < 0 && errno == ENOENT);
	journal_recover(&p.directory, SIZE, UINT64_MAX / 2); /* no room */
	assert_true(journal_open(&p.directory, 0) < 0 && errno == ENOENT);
	close_place(&p);
}

static void
test_ended(void **state)
{
	(void)state;
	struct place p;
	struct ended e;
	open_place(&p);
	int journal = p.directory.journal;
	assert_true(ended_read(journal, &e) && e.count == 0 && !ended_has(&e, 1));
	assert_true(ended_begin(journal));
	/* More than one file holds: the latest of them are there. */
	for (uint64_t id = 1; id <= 200000; id++)
		ended_note(200001 - id);
	assert_true(ended_read(journal, &e));
	assert_true(e.count >= ENDED_KEPT / (ID_LETTERS + 1) && e.count < 200000);
	for (uint64_t id = 1; id <= 70000; id++)
		assert_true(ended_has(&e, id));
	assert_false(ended_has(&e, 0));
	assert_false(ended_has(&e, 200001));
	ended_free(&e);
	ended_forget(journal);
	/* Torn lines name nobody. */
	int fd = openat(journal, "ended", O_WRONLY | O_CREAT, 0600);
	assert_true(file_write_all(fd, "222222\n2222222222224\n\0\0\0\n22222222222252222222222226\n2222222222227", 65));
	close(fd);
	assert_true(ended_read(journal, &e));
	assert_true(e.count == 2 && ended_has(&e, 2) && ended_has(&e, 5));
	ended_free(&e);
	close_place(&p);
}

/* No number comes again, and ids of two starts differ though the clock may say the same. */
static void
test_starts(void **state)
{
	(void)state;
	struct place p;
	open_place(&p);
	uint64_t before = 0;
	for (int i = 0; i < 5; i++) {
		uint64_t number = queue_directory_count_start(&p.directory);
		assert_true(number == before + 1);
		before = number;
	}
	struct id_source one, other;
	id_source_begin(&one, 5);
	id_source_begin(&other, 6);
	uint64_t now = id_time(id_next(&one));
	one.last = other.last = now + 1000000000; /* the clock has stepped back */
	uint64_t a = id_next(&one), b = id_next(&other);
	assert_true(a != b && id_time(a) == id_time(b) && id_time(a) == now + 1000000001);
	assert_true(id_next(&one) > a);
	/* A file that is damaged stops nobody. */
	int fd = openat(p.directory.root, "starts", O_WRONLY | O_TRUNC);
	assert_true(file_write_all(fd, "rubbish", 7));
	close(fd);
	queue_directory_count_start(&p.directory);
	close_place(&p);
}

int
main(void)
{
	log_open("test");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_head), cmocka_unit_test(test_records), cmocka_unit_test(test_torn), cmocka_unit_test(test_bits),
	    cmocka_unit_test(test_other_rounds), cmocka_unit_test(test_lengths_that_lie), cmocka_unit_test(test_recover),
	    cmocka_unit_test(test_recover_what_was_kept), cmocka_unit_test(test_size), cmocka_unit_test(test_ended),
	    cmocka_unit_test(test_starts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
