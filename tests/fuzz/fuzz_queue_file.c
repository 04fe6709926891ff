/* A queue file of any bytes: it is read, or refused, and what is read can be changed in place. Also DNS answers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue/file.h"
#include "queue/report.h"
#include "lib/dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
change(int fd, struct queue_file *f)
{
	struct outcome o = outcome_make("4.0.0", "later");
	struct file_target target = {slice_of("a@b"), false};
	for (size_t i = 0; i < f->count && i < 4; i++)
		queue_file_mark(fd, &f->recipients[i], RECIPIENT_PENDING, &o);
	for (size_t i = 0; i < f->count && i < 4; i++) {
		enum report what = report_of(f, &f->recipients[i], true);
		if (what != REPORT_NOTHING)
			queue_file_mark_status(fd, &f->recipients[i], report_done(what));
		if (report_of(f, &f->recipients[i], true) != REPORT_NOTHING)
			abort(); /* it would be told again and again */
	}
	char text[32];
	queue_file_with_text(f, "hold", text, 1 + f->header_size % sizeof text);
	queue_file_retry(fd, f, 1, 2);
	queue_file_hold(fd);
	queue_file_release(fd);
	if (!f->recipients[0].expanded)
		queue_file_expand(fd, f, 0, &target, 1);
}

/* With a mark that agrees, so that what stands behind the sums is reached; or as it is. */
static size_t
give_mark(char *whole, size_t room, const uint8_t *data, size_t size)
{
	size_t fixed = FILE_MARK_LEN + FILE_TRIES_LEN, header = size > 2 ? (size_t)data[0] << 8 | data[1] : 0;
	if (header == 0 || header + 2 > size || fixed + size > room) {
		size = size < room ? size : room;
		memcpy(whole, data, size);
		return size;
	}
	memset(whole, ' ', fixed);
	memcpy(whole + fixed, data + 2, size - 2);
	size_t end = fixed + header, message = (size - 2 - header) / 2;
	char mark[FILE_MARK_LEN];
	queue_file_build_mark(mark, slice_make(whole, end), message, 0);
	memcpy(whole, mark, sizeof mark);
	return fixed + size - 2;
}

static void
read_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct queue_file f;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	static char whole[1 << 20];
	size_t len = give_mark(whole, sizeof whole, data, size);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, whole, len, 0) != (ssize_t)len)
		return;
	if (queue_file_read(fd, false, &f) != FILE_OK)
		return;
	change(fd, &f);
	queue_file_free(&f);
}

static void
read_dns(const uint8_t *data, size_t size)
{
	struct slice answer = slice_make((const char *)data, size);
	struct dns_record records[DNS_RECORDS_MOST];
	char name[DNS_NAME_MOST + 1];
	size_t count;
	if (dns_read_answer(answer, DNS_TYPE_MX, records, &count) != DNS_FOUND)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t at = records[i].offset + 2;
		dns_read_name(answer, &at, name);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The sums would stop every change but those of the fields: so the first byte says which reader is tried. */
	if (size == 0)
		return 0;
	if (data[0] & 1)
		read_dns(data + 1, size - 1);
	else
		read_file(data + 1, size - 1);
	return 0;
}
