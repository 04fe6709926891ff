/* sources: imapd/trigrams.c */
/*
 * The file of sketches: bytes of a stranger, as they are, and behind a head and
 * with checksums that are right. What is read lies within the file; what is
 * added behind it, or kept, is there afterwards.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/trigrams.h"
#include "lib/base/file.h"
#include "lib/store/sketch_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message messages[2] = {{.uid = 1, .name = (char *)"one:2,", .base_len = 3},
    {.uid = 2, .name = (char *)"two:2,", .base_len = 3}};
static struct folder  folder = {.messages = messages, .count = 2, .uidvalidity = 1};

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
put(const void *bytes, size_t len)
{
	int fd = openat(folder.directory, SKETCHES_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && file_write_all(fd, bytes, len));
	close(fd);
}

/* A writer of noise that knows how sums are made: heads of records from the bytes, and behind each what its length says, if it is there. */
static void
put_with_sums(const uint8_t *data, size_t size)
{
	struct sketch_file x;
	struct str bytes = STR_MOST(1 << 20);
	struct sketch_record r;
	size_t head;
	put(NULL, 0);
	must(sketches_open(&x, &folder, slice_of("")));
	sketches_close(&x);
	char *content = file_read_whole(folder.directory, SKETCHES_NAME, 1000, &head);
	must(content != NULL && str_append(&bytes, content, head));
	free(content);
	while (size >= sizeof r) {
		size_t start = bytes.len;
		memcpy(&r, data, sizeof r);
		size_t len = r.len < size - sizeof r ? r.len : size - sizeof r;
		str_append(&bytes, data, sizeof r + len);
		r.sum = sketch_sum(x.id, bytes.data + start, sizeof r + len);
		memcpy(bytes.data + start, &r.sum, sizeof r.sum);
		data += sizeof r + len;
		size -= sizeof r + len;
	}
	str_append(&bytes, data, size);
	must(!bytes.failed);
	put(bytes.data, bytes.len);
	str_free(&bytes);
}

static size_t
look(struct sketch_file *x, bool keep, size_t *kept)
{
	struct trigram_probe probe;
	struct sketch s;
	size_t hint = 0, count = 0;
	trigrams_of_needle(&probe, slice_of("a needle"));
	for (; sketches_next(x, &s); count++) {
		must(s.bits.len <= SKETCH_MOST);
		trigrams_exclude(&probe, s.bits);
		const struct message *m = sketch_message(&folder, &s, &hint);
		must(m == NULL || m->uid == s.uid);
		if (keep && s.uid % 2 == 0) {
			must(sketches_keep(x, &s));
			++*kept;
		}
	}
	return count;
}

static void
try(void)
{
	struct sketch_file x;
	size_t kept = 0;
	must(sketches_open(&x, &folder, slice_of("")) && x.writes);
	size_t count = look(&x, false, NULL);
	must(sketches_add(&x, &messages[1], 5, slice_of("eight888")));
	sketches_close(&x);
	must(sketches_open(&x, &folder, slice_of("")));
	must(look(&x, false, NULL) == count + 1);
	sketches_keep_begin(&x);
	must(look(&x, true, &kept) == count + 1 && kept > 0 && sketches_kept(&x));
	sketches_close(&x);
	must(sketches_open(&x, &folder, slice_of("")));
	must(look(&x, false, NULL) == kept);
	sketches_close(&x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/dev/shm/fuzz-sketches-XXXXXX";
	static bool ready;
	if (!ready) {
		must(mkdtemp(path) != NULL);
		folder.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ready = true;
	}
	put(data, size);
	try();
	put_with_sums(data, size);
	try();
	return 0;
}
