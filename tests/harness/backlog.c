/*
 * Makes queue files as the intake makes them, quickly and without syncs: a
 * backlog for tests and measurements.
 *
 *     backlog QUEUE COUNT NEXT SENDER ADDRESS [PER-MESSAGE]
 *
 * COUNT messages that are to be tried at NEXT (seconds since 1970; 0: now), each
 * to PER-MESSAGE recipients (default 1). A "%" in ADDRESS becomes a number that
 * is new for each. Prints the ids, one a line. Linked with the queue's own
 * code for the format, so that it follows it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "queue/checksum.h"
#include "queue/directory.h"
#include "queue/file.h"

static const char message[] = "From: somebody@example.test\r\nSubject: backlog\r\n\r\nThe body.\r\n";

static unsigned long number;

static void
add_recipient(struct str *header, const char *address)
{
	char text[512];
	const char *mark = strchr(address, '%');
	int before = mark != NULL ? (int)(mark - address) : (int)strlen(address);
	if (mark != NULL)
		snprintf(text, sizeof text, "%.*s%lu%s", before, address, number++, mark + 1);
	else
		snprintf(text, sizeof text, "%s", address);
	queue_file_build_recipient(header, slice_of(text));
	queue_file_build_recipient_end(header);
}

static void
make(const struct queue_directory *d, uint64_t id, unsigned long long next, char **names, unsigned long recipients)
{
	static struct str header = STR_MOST(FILE_HEADER_MOST);
	char line[FILE_TRIES_LEN + 1];
	queue_file_build_begin(&header, id, slice_of(names[0]));
	for (unsigned long i = 0; i < recipients; i++)
		add_recipient(&header, names[1]);
	queue_file_build_end(&header);
	snprintf(line, sizeof line, FILE_TRIES_FORMAT, next > 0 ? 1u : 0u, FILE_TURN_NEXT, next);
	memcpy(header.data + FILE_MARK_LEN, line, FILE_TRIES_LEN);
	size_t len = sizeof message - 1;
	queue_file_build_mark(header.data, str_slice(&header), len, checksum_add(0, message, len));
	str_append(&header, message, len);
	int fd = queue_directory_create(d, id);
	if (header.failed || fd < 0 || write(fd, header.data, header.len) != (ssize_t)header.len || close(fd) < 0) {
		perror("backlog");
		exit(111);
	}
}

int
main(int argc, char **argv)
{
	struct queue_directory d;
	struct id_source ids;
	if (argc < 6)
		return 100;
	umask(077);
	if (!queue_directory_open(&d, argv[1]))
		return 111;
	id_source_begin(&ids);
	unsigned long count = strtoul(argv[2], NULL, 10), each = argc > 6 ? strtoul(argv[6], NULL, 10) : 1;
	for (unsigned long i = 0; i < count; i++) {
		uint64_t id = id_next(&ids);
		char name[ID_LETTERS + 1];
		make(&d, id, strtoull(argv[3], NULL, 10), argv + 4, each);
		id_print(id, name);
		puts(name);
	}
	return 0;
}
