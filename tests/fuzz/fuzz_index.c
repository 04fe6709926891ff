/*
 * The index's file: bytes of a stranger, once as they are and once with all
 * checksums made right, so that what lies behind those is reached as well. No
 * name comes out of it that could be another file's, and no byte is read that
 * is not there.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/folder.h"
#include "lib/store/index.h"
#include "lib/store/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

/* A writer of noise that knows how sums are made: state, then blocks whose kinds and records the bytes choose. */
static bool
write_with_sums(int directory, const uint8_t *data, size_t size)
{
	struct index_file x;
	struct str block = STR_MOST(INDEX_BLOCK_MOST);
	bool ok = index_file_begin(&x, directory);
	x.state.uidvalidity = x.state.uidnext = 1;
	x.state.modseq = 1000;
	x.state.bound = 2000;
	while (ok && size > 2) {
		enum index_kind kind = (enum index_kind)(data[0] % 6);
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		struct index_record *record = malloc(sizeof(struct index_facts));
		must(record != NULL);
		size_t fixed = kind == INDEX_FACTS ? sizeof(struct index_facts)
		    : kind == INDEX_MESSAGES ? sizeof(struct index_message) : sizeof(struct index_gone);
		memset(record, 0, sizeof(struct index_facts));
		size_t head = len < fixed ? len : fixed;
		memcpy(record, data + 2, head);
		ok = index_record_add(&block, record, fixed, slice_make((const char *)data + 2 + head, len - head));
		free(record);
		ok = ok && index_file_append(&x, kind, &block);
		data += 2 + len;
		size -= 2 + len;
	}
	str_free(&block);
	struct index_file none = {.fd = -1};
	ok = ok && index_file_replace(&none, &x, directory);
	index_file_close(&none);
	return ok;
}

static void
look_at_message(struct folder *f, struct message *m)
{
	struct message_texts t;
	struct slice name = slice_of(m->name);
	must(name.len > 0 && name.len <= NAME_MOST && m->base_len <= name.len && name.data[0] != '.' && !slice_has(name, '/'));
	if (folder_message_texts(f, m, &t)) {
		volatile char last = 0;
		for (size_t i = 0; i < t.envelope.len; i++)
			last ^= t.envelope.data[i];
		for (size_t i = 0; i < t.header.len; i++)
			last ^= t.header.data[i];
		(void)last;
	}
}

static void
follow(struct folder *f)
{
	struct gone_list gone;
	must(scan_prepare(f) && index_prepare(f));
	index_peek(f);
	must(f->count == 0 && !f->index->usable);
	if (index_follow(f)) {
		uint32_t last = 0;
		for (size_t i = 0; i < f->count; i++) {
			must(f->messages[i].uid > last);
			last = f->messages[i].uid;
			look_at_message(f, &f->messages[i]);
		}
		if (index_gone_read(f, &gone))
			free(gone.gone);
	}
	index_free(f);
	scan_free(f);
	free(f->messages);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/dev/shm/fuzz-index-XXXXXX";
	static int root = -1;
	if (root < 0) {
		must(mkdtemp(path) != NULL);
		root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	struct folder raw = {.root = root, .directory = root, .cur = root, .fresh = root, .tmp = root}, summed = raw;
	int fd = openat(root, INDEX_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && file_write_all(fd, data, size));
	close(fd);
	follow(&raw);
	if (write_with_sums(root, data, size))
		follow(&summed);
	return 0;
}
