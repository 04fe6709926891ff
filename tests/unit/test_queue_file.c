/* The queue file: what is built is read back; what is torn never looks committed; what is damaged is noticed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue/checksum.h"
#include "queue/file.h"

static const char message[] = "Subject: x\r\n\r\nbody\r\nexpand 0 0 00000000 00000000\r\n";

static int
memory_file(void)
{
	int fd = memfd_create("queue", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* With `hold` as smtpd asks for it, or NULL. */
static void
build(struct str *header, const char *hold)
{
	*header = STR_MOST(FILE_HEADER_MOST);
	queue_file_build_begin(header, 0x123456789abcdu, slice_of("a b\\c@x.test"));
	queue_file_build_with(header, slice_of("protocol=ESMTP"));
	queue_file_build_with(header, slice_of("helo=two words"));
	if (hold != NULL)
		queue_file_build_with(header, slice_of(hold));
	queue_file_build_recipient(header, slice_of("one@x.test"));
	queue_file_build_key(header, slice_of("notify=never"));
	queue_file_build_recipient_end(header);
	queue_file_build_recipient(header, slice_of("\"two words\"@x.test"));
	queue_file_build_recipient_end(header);
	queue_file_build_end(header);
	assert_false(header->failed);
}

/* A whole committed file as bytes. */
static void
committed_as(struct str *all, const char *hold)
{
	build(all, hold);
	char mark[FILE_MARK_LEN];
	size_t len = strlen(message);
	queue_file_build_mark(mark, str_slice(all), len, checksum_add(0, message, len));
	memcpy(all->data, mark, sizeof mark);
	str_append(all, message, len);
	assert_false(all->failed);
}

static void
committed(struct str *all)
{
	committed_as(all, NULL);
}

static enum file_result
read_bytes(const char *bytes, size_t len, struct queue_file *f)
{
	int fd = memory_file();
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	enum file_result r = queue_file_read(fd, true, f);
	close(fd);
	return r;
}

static void
test_read_back(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	struct slice value;
	committed(&all);
	assert_int_equal(read_bytes(all.data, all.len, &f), FILE_OK);
	assert_true(f.id == 0x123456789abcdu && f.arrival == id_time(f.id));
	assert_true(slice_is(f.sender, "a b\\c@x.test"));
	assert_int_equal(f.count, 2);
	assert_true(slice_is(f.recipients[0].address, "one@x.test"));
	assert_true(slice_is(f.recipients[1].address, "\"two words\"@x.test"));
	assert_true(queue_file_with(&f, "protocol", &value) && slice_is(value, "ESMTP"));
	assert_false(queue_file_with(&f, "proto", &value));
	assert_true(queue_file_recipient_key(&f.recipients[0], "notify", &value) && slice_is(value, "never"));
	assert_int_equal(f.message_size, strlen(message));
	assert_true(queue_file_is_pending(&f.recipients[1]));
	queue_file_free(&f);
	str_free(&all);
}

/* Every length at which a write could have been cut, and every sector that could be missing. */
static void
test_torn(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	committed(&all);
	for (size_t len = 0; len < all.len; len++) {
		enum file_result r = read_bytes(all.data, len, &f);
		assert_true(r == FILE_UNCOMMITTED || r == FILE_DAMAGED);
		assert_true(len >= FILE_MARK_LEN || r == FILE_UNCOMMITTED);
	}
	char *copy = malloc(all.len);
	assert_non_null(copy);
	for (size_t at = 0; at < all.len; at += 16) {
		memcpy(copy, all.data, all.len);
		size_t len = all.len - at < 16 ? all.len - at : 16;
		memset(copy + at, 0, len);
		/* Only what changes in place may be missing. */
		enum file_result r = read_bytes(copy, all.len, &f);
		if (r == FILE_OK)
			queue_file_free(&f);
	}
	memset(copy, 0, all.len);
	assert_int_equal(read_bytes(copy, all.len, &f), FILE_UNCOMMITTED);
	free(copy);
	str_free(&all);
}

static bool
changes_in_place(const struct str *all, size_t at)
{
	if (at >= FILE_MARK_LEN && at < FILE_MARK_LEN + FILE_TRIES_LEN)
		return true;
	const char *rcpt = all->data;
	while ((rcpt = strstr(rcpt + 1, "\nrcpt ")) != NULL) {
		size_t fields = (size_t)(rcpt - all->data) + 1 + FILE_FIELDS_AT;
		if (at >= fields && at < fields + FILE_FIELDS_WIDTH)
			return true;
	}
	return false;
}

/* A block of copies is read back once and whole: torn it is as if absent, and a second one does not count. */
static void
test_copies(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f, g;
	const struct slice addresses[] = {slice_of("archive@x.test"), slice_of("\"a b\"@x.test")};
	committed(&all);
	int fd = memory_file();
	assert_int_equal(pwrite(fd, all.data, all.len, 0), (ssize_t)all.len);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_false(f.copied);
	assert_true(queue_file_copy(fd, &f, addresses, 2));
	assert_true(f.copied);
	assert_int_equal(f.count, 4);
	off_t end = lseek(fd, 0, SEEK_END);
	for (off_t size = (off_t)all.len; size <= end; size++) {
		assert_int_equal(ftruncate(fd, end), 0);
		queue_file_free(&f);
		assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
		int torn = memory_file();
		char bytes[4096];
		assert_int_equal(pread(fd, bytes, sizeof bytes, 0), end);
		assert_int_equal(pwrite(torn, bytes, (size_t)size, 0), size);
		assert_int_equal(queue_file_read(torn, true, &g), FILE_OK);
		assert_int_equal(g.copied, size == end);
		assert_int_equal(g.count, size == end ? 4 : 2);
		queue_file_free(&g);
		close(torn);
	}
	struct slice notify;
	assert_true(slice_is(f.recipients[3].address, "\"a b\"@x.test"));
	assert_true(f.recipients[3].parent == NO_PARENT && queue_file_is_pending(&f.recipients[3]));
	assert_true(queue_file_recipient_key(&f.recipients[3], "notify", &notify) && slice_is(notify, "NEVER"));
	/* An alias among the copies has its own block behind it. */
	const struct file_target target = {.address = slice_of("far@y.test")};
	assert_true(queue_file_expand(fd, &f, 2, &target, 1));
	assert_true(queue_file_copy(fd, &f, addresses, 1));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.count, 5);
	assert_int_equal(f.recipients[4].parent, 2);
	queue_file_free(&f);
	close(fd);
	str_free(&all);
}

/* That there is nobody is told by a block too. */
static void
test_no_copies(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	committed(&all);
	int fd = memory_file();
	assert_int_equal(pwrite(fd, all.data, all.len, 0), (ssize_t)all.len);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(queue_file_copy(fd, &f, NULL, 0));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(f.copied);
	assert_int_equal(f.count, 2);
	queue_file_free(&f);
	close(fd);
	str_free(&all);
}

/* Every byte changed: noticed, unless it is one that changes in place. */
static void
test_noise(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	committed(&all);
	for (size_t at = 0; at < all.len; at++) {
		char before = all.data[at];
		all.data[at] ^= 0x15;
		enum file_result r = read_bytes(all.data, all.len, &f);
		if (r == FILE_OK) {
			assert_true(changes_in_place(&all, at));
			queue_file_free(&f);
		}
		all.data[at] = before;
	}
	str_free(&all);
}

/* Nobody was answered for it, wherever a crash has cut it. */
static void
test_torn_offered(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	committed(&all);
	all.data[FILE_WORD_AT] = '0';
	for (size_t len = 0; len < all.len; len++)
		assert_int_equal(read_bytes(all.data, len, &f), FILE_UNCOMMITTED);
	str_free(&all);
}

static void
test_blank_mark(void **state)
{
	(void)state;
	struct str all;
	struct queue_file f;
	build(&all, NULL);
	str_append_text(&all, message);
	assert_int_equal(read_bytes(all.data, all.len, &f), FILE_UNCOMMITTED);
	str_free(&all);
}

static int
committed_file_as(const char *hold)
{
	struct str all;
	committed_as(&all, hold);
	int fd = memory_file();
	assert_int_equal(pwrite(fd, all.data, all.len, 0), (ssize_t)all.len);
	str_free(&all);
	return fd;
}

static int
committed_file(void)
{
	return committed_file_as(NULL);
}

static void
test_marks(void **state)
{
	(void)state;
	struct queue_file f;
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	struct outcome failed = outcome_make("5.1.1", "no such user"), long_text = outcome_make("4.2.2", "%0400d", 7);
	assert_true(queue_file_mark(fd, &f.recipients[0], RECIPIENT_FAILED, &failed));
	assert_true(queue_file_mark(fd, &f.recipients[1], RECIPIENT_PENDING, &long_text));
	assert_true(queue_file_retry(fd, &f, 3, 1795226861));
	assert_true(slice_is(f.recipients[0].code, "5.1.1"));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.recipients[0].status, RECIPIENT_FAILED);
	assert_true(slice_is(f.recipients[0].text, "no such user"));
	assert_int_equal(f.recipients[1].text.len, FILE_TEXT_WIDTH);
	assert_int_equal(f.tries, 3);
	assert_int_equal(f.next, 1795226861);
	assert_true(queue_file_mark_status(fd, &f.recipients[0], RECIPIENT_RETURNED));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.recipients[0].status, RECIPIENT_RETURNED);
	assert_true(slice_is(f.recipients[0].text, "no such user"));
	queue_file_free(&f);
	close(fd);
}

static void
test_blocks(void **state)
{
	(void)state;
	struct queue_file f;
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	struct file_target targets[] = {{.address = slice_of("c@x.test")}, {.address = slice_of("one@x.test"), .final = true}};
	off_t first_end = f.end;
	assert_true(queue_file_expand(fd, &f, 0, targets, 2));
	off_t second_end = f.end;
	assert_true(queue_file_expand(fd, &f, 2, targets, 1));
	struct outcome done = outcome_done();
	assert_true(queue_file_mark(fd, &f.recipients[3], RECIPIENT_DELIVERED, &done));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.count, 5);
	assert_true(f.recipients[0].expanded && f.recipients[2].expanded && !f.recipients[3].expanded);
	assert_true(f.recipients[3].final && f.recipients[3].status == RECIPIENT_DELIVERED);
	assert_ptr_equal(queue_file_original(&f, &f.recipients[4]), &f.recipients[0]);
	off_t end = f.end;
	queue_file_free(&f);
	/* Cut anywhere, the last block is as if absent; its recipients are found again by expanding anew. */
	for (off_t len = end - 1; len >= first_end; len--) {
		assert_int_equal(ftruncate(fd, len), 0);
		assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
		assert_int_equal(f.count, len >= second_end ? 4 : 2);
		assert_int_equal(f.end, len >= second_end ? second_end : first_end);
		queue_file_free(&f);
	}
	close(fd);
}

/* Each letter says whether it is tried again, and whether it has its message; no other letter says more than "try it". */
static void
test_statuses(void **state)
{
	(void)state;
	static const char letters[] = "-WEDSRFB", pending[] = "-WE", delivered[] = "DSR";
	struct queue_file f;
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	off_t at = f.recipients[1].at;
	queue_file_free(&f);
	for (int letter = ' '; letter <= '~'; letter++) {
		char byte = (char)letter;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
		bool known = strchr(letters, letter) != NULL;
		assert_int_equal(f.recipients[1].status, known ? letter : '-');
		assert_int_equal(queue_file_is_pending(&f.recipients[1]), !known || strchr(pending, letter) != NULL);
		assert_int_equal(queue_file_is_delivered(&f.recipients[1]), known && strchr(delivered, letter) != NULL);
		queue_file_free(&f);
	}
	close(fd);
}

/* An attempt that came to nothing does not make the sender forget that he was warned; an end does. */
static void
test_warned(void **state)
{
	(void)state;
	struct queue_file f;
	struct outcome later = outcome_make("4.2.1", "later"), done = outcome_done();
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(queue_file_mark(fd, &f.recipients[0], RECIPIENT_PENDING, &later));
	assert_true(queue_file_mark_status(fd, &f.recipients[0], RECIPIENT_WARNED));
	assert_true(queue_file_mark(fd, &f.recipients[0], RECIPIENT_PENDING, &later));
	assert_int_equal(f.recipients[0].status, RECIPIENT_WARNED);
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(f.recipients[0].status == RECIPIENT_WARNED && queue_file_is_pending(&f.recipients[0]));
	assert_true(queue_file_mark(fd, &f.recipients[0], RECIPIENT_SUCCEEDED, &done));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.recipients[0].status, RECIPIENT_SUCCEEDED);
	queue_file_free(&f);
	close(fd);
}

/*
 * A power cut has lost the block of an alias and kept a mark in it; the alias
 * now names another of the same length. If nothing was cut off, a second power
 * cut between the writes of the new block would leave the old mark at the new name.
 */
static void
test_a_torn_block_is_cut_off_before_the_next(void **state)
{
	(void)state;
	struct queue_file f;
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	off_t end = f.end;
	struct outcome done = outcome_done();
	struct file_target before = {.address = slice_of("c@x.test")}, after = {.address = slice_of("d@x.test")};
	assert_true(queue_file_expand(fd, &f, 0, &before, 1));
	assert_true(queue_file_mark(fd, &f.recipients[2], RECIPIENT_DELIVERED, &done));
	off_t status_at = f.recipients[2].at;
	queue_file_free(&f);
	assert_int_equal(pwrite(fd, "\0\0\0\0", 4, end), 4);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_int_equal(f.count, 2);
	/* Too long for the disk: all that happens is what goes before. */
	struct rlimit none = {(rlim_t)end, RLIM_INFINITY}, all;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_false(queue_file_expand(fd, &f, 0, &after, 1));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	char status;
	assert_int_equal(pread(fd, &status, 1, status_at), 0);
	assert_true(queue_file_expand(fd, &f, 0, &after, 1));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(f.count == 3 && f.recipients[2].status == RECIPIENT_PENDING && slice_is(f.recipients[2].address, "d@x.test"));
	queue_file_free(&f);
	close(fd);
}

/* The sender was told that an alias is expanded, and a power cut took the block and left that mark: the alias is tried again. */
static void
test_divided_without_its_block(void **state)
{
	(void)state;
	struct queue_file f;
	int fd = committed_file();
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	struct file_target targets[] = {{.address = slice_of("c@x.test")}, {.address = slice_of("d@x.test")}};
	off_t before = f.end;
	assert_true(queue_file_expand(fd, &f, 0, targets, 2));
	assert_int_equal(f.recipients[0].targets, 2);
	assert_true(queue_file_mark_status(fd, &f.recipients[0], RECIPIENT_DIVIDED));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(f.recipients[0].targets == 2 && !queue_file_is_pending(&f.recipients[0]) && !queue_file_is_delivered(&f.recipients[0]));
	queue_file_free(&f);
	assert_int_equal(ftruncate(fd, before + 7), 0);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(queue_file_is_pending(&f.recipients[0]) && f.recipients[0].targets == 0);
	queue_file_free(&f);
	close(fd);
}

/* What the file says of its turn: N(ext), H(eld), T(old: held, and all know), R(eleased). */
static char
turn_of(int fd)
{
	struct queue_file f;
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(!f.told || f.held);
	assert_false(f.held && f.released);
	char turn = f.told ? 'T' : f.held ? 'H' : f.released ? 'R' : 'N';
	queue_file_free(&f);
	return turn;
}

static void
retry(int fd)
{
	struct queue_file f;
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(queue_file_retry(fd, &f, 7, 1795226861));
	queue_file_free(&f);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	assert_true(f.tries == 7 && f.next == 1795226861);
	queue_file_free(&f);
}

static void
test_turns(void **state)
{
	(void)state;
	int fd = committed_file_as("hold=two words");
	assert_int_equal(turn_of(fd), 'H'); /* from the first byte that is committed */
	assert_true(queue_file_hold(fd));
	assert_int_equal(turn_of(fd), 'T');
	assert_true(queue_file_release(fd));
	assert_int_equal(turn_of(fd), 'R');
	retry(fd);
	assert_int_equal(turn_of(fd), 'R');
	assert_true(queue_file_hold(fd));
	assert_int_equal(turn_of(fd), 'T');
	close(fd);
	fd = committed_file();
	retry(fd);
	assert_int_equal(turn_of(fd), 'N');
	assert_true(queue_file_hold(fd));
	assert_int_equal(turn_of(fd), 'T');
	assert_true(queue_file_release(fd));
	assert_int_equal(turn_of(fd), 'R');
	close(fd);
}

/* Every way in which two writes of the line can mix by bytes: what came to be held goes only by the whole word. */
static void
test_torn_turns(void **state)
{
	(void)state;
	static const char *const words[] = {"next", "held", "free"};
	for (unsigned mix = 0; mix < 3 * 3 * 16; mix++) {
		const char *before = words[mix / 48], *after = words[mix / 16 % 3];
		char word[5] = "";
		for (unsigned i = 0; i < 4; i++)
			word[i] = (mix >> i & 1 ? after : before)[i];
		for (int with = 0; with < 2; with++) {
			int fd = committed_file_as(with ? "hold=x" : NULL);
			assert_int_equal(pwrite(fd, word, 4, FILE_MARK_LEN + FILE_TURN_AT), 4);
			char turn = turn_of(fd);
			assert_int_equal(turn == 'R', strcmp(word, "free") == 0);
			assert_int_equal(turn == 'T', strcmp(word, "held") == 0);
			assert_true(turn == 'R' || turn == 'T' || turn == (with ? 'H' : 'N'));
			close(fd);
		}
	}
}

static void
check_with_text(const char *hold, size_t room, const char *wanted)
{
	struct queue_file f;
	char text[64];
	int fd = committed_file_as(hold);
	assert_int_equal(queue_file_read(fd, true, &f), FILE_OK);
	queue_file_with_text(&f, "hold", text, room);
	assert_string_equal(text, wanted);
	queue_file_free(&f);
	close(fd);
}

static void
test_with_text(void **state)
{
	(void)state;
	check_with_text(NULL, 64, "");
	check_with_text("hold=", 64, "");
	check_with_text("hold=two words\\", 64, "two words\\");
	check_with_text("hold=a b", 3, "a"); /* the escape is cut as a whole */
	check_with_text("hold=a b", 5, "a");
	check_with_text("hold=a b", 6, "a ");
	check_with_text("hold=abc", 3, "ab");
	check_with_text("hold=abc", 1, "");
}

static void
test_ids(void **state)
{
	(void)state;
	struct id_source s;
	char text[ID_LETTERS + 1], before[ID_LETTERS + 1] = "";
	id_source_begin(&s, 1);
	for (int i = 0; i < 1000; i++) {
		uint64_t id = id_next(&s), again;
		id_print(id, text);
		assert_true(id_parse(slice_of(text), &again) && again == id);
		assert_true(strcmp(before, text) < 0);
		memcpy(before, text, sizeof before);
	}
	uint64_t id;
	assert_false(id_parse(slice_of("3n2s2ryjsenp"), &id));
	assert_false(id_parse(slice_of("3N2s2ryjsenp6"), &id));
	assert_false(id_parse(slice_of("zzzzzzzzzzzzz"), &id));
	assert_false(id_parse(slice_of("../../../../x"), &id));
}

static void
test_checksum(void **state)
{
	(void)state;
	/* RFC 3720 appendix B.4 and the usual check value. */
	unsigned char zeros[32] = {0};
	assert_int_equal(checksum_add(0, zeros, sizeof zeros), 0x8a9136aa);
	assert_int_equal(checksum_add(0, "123456789", 9), 0xe3069283);
	assert_int_equal(checksum_add(checksum_add(0, "1234", 4), "56789", 5), 0xe3069283);
	/* With the processor's instruction and without it: each length and alignment. */
	const char *text = "The sums of two machines that share a queue agree, whatever their processors are.";
	for (size_t from = 0; from < 16; from++)
		for (size_t len = 0; from + len <= strlen(text); len++)
			assert_int_equal(checksum_add(7, text + from, len), checksum_add_by_tables(7, text + from, len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_back), cmocka_unit_test(test_torn), cmocka_unit_test(test_torn_offered), cmocka_unit_test(test_copies), cmocka_unit_test(test_no_copies), cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_blank_mark), cmocka_unit_test(test_marks), cmocka_unit_test(test_blocks), cmocka_unit_test(test_a_torn_block_is_cut_off_before_the_next),
	    cmocka_unit_test(test_statuses), cmocka_unit_test(test_warned), cmocka_unit_test(test_divided_without_its_block),
	    cmocka_unit_test(test_turns), cmocka_unit_test(test_torn_turns), cmocka_unit_test(test_with_text),
	    cmocka_unit_test(test_ids), cmocka_unit_test(test_checksum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
