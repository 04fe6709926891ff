#include "queue/file.h"

#include <stdio.h>
#include <string.h>

#include "queue/checksum.h"

static const char blank_mark[] = "postern-queue 1 -------- ------------ -------- --------\n";
_Static_assert(sizeof blank_mark - 1 == FILE_MARK_LEN, "the first line has a fixed width");

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c != 0x7f && c != '\\';
}

void
queue_file_escape(struct str *into, struct slice field)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < field.len; i++) {
		unsigned char c = (unsigned char)field.data[i];
		if (is_plain(c)) {
			str_append_byte(into, (char)c);
			continue;
		}
		char escape[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
		str_append(into, escape, sizeof escape);
	}
}

static void
append_address(struct str *header, struct slice address)
{
	str_append_byte(header, '<');
	queue_file_escape(header, address);
	str_append_byte(header, '>');
}

void
queue_file_build_begin(struct str *header, uint64_t id, struct slice sender)
{
	char text[ID_LETTERS + 1];
	id_print(id, text);
	str_clear(header);
	str_append_text(header, blank_mark);
	str_append_format(header, FILE_TRIES_FORMAT, 0u, FILE_TURN_NEXT, 0ull);
	str_append_format(header, "id %s\narrival %llu\nsender ", text, (unsigned long long)id_time(id));
	append_address(header, sender);
	str_append_byte(header, '\n');
}

void
queue_file_build_with(struct str *header, struct slice key_and_value)
{
	str_append_text(header, "with ");
	queue_file_escape(header, key_and_value);
	str_append_byte(header, '\n');
}

void
queue_file_build_recipient(struct str *header, struct slice address)
{
	static const char fields[FILE_FIELDS_WIDTH] = {RECIPIENT_PENDING};
	char blank[FILE_FIELDS_WIDTH + 1];
	for (size_t i = 0; i < FILE_FIELDS_WIDTH; i++)
		blank[i] = fields[i] != '\0' ? fields[i] : ' ';
	blank[FILE_FIELDS_WIDTH] = ' ';
	str_append_text(header, "rcpt ");
	str_append(header, blank, sizeof blank);
	append_address(header, address);
}

void
queue_file_build_key(struct str *header, struct slice key_and_value)
{
	str_append_byte(header, ' ');
	queue_file_escape(header, key_and_value);
}

void
queue_file_build_recipient_end(struct str *header)
{
	str_append_byte(header, '\n');
}

void
queue_file_build_end(struct str *header)
{
	str_append_byte(header, '\n');
}

uint32_t
queue_file_sum_lines(uint32_t before, struct slice lines)
{
	uint32_t sum = before;
	struct slice line;
	while (slice_split(&lines, '\n', &line)) {
		if (slice_starts(line, "rcpt ") && line.len >= FILE_FIELDS_AT + FILE_FIELDS_WIDTH)
			line = slice_from(line, FILE_FIELDS_AT + FILE_FIELDS_WIDTH);
		sum = checksum_add(sum, line.data, line.len);
		sum = checksum_add(sum, "\n", 1);
	}
	return sum;
}

void
queue_file_build_mark(char mark[FILE_MARK_LEN], struct slice header, uint64_t message_size, uint32_t message_sum)
{
	char line[FILE_MARK_LEN + 1];
	int sizes = snprintf(line, sizeof line, "postern-queue 1 %08zu %012llu ", header.len, (unsigned long long)message_size);
	uint32_t sum = checksum_add(0, line, (size_t)sizes);
	sum = queue_file_sum_lines(sum, slice_from(header, FILE_MARK_LEN + FILE_TRIES_LEN));
	snprintf(line + sizes, sizeof line - (size_t)sizes, "%08x %08x\n", (unsigned)sum, (unsigned)message_sum);
	memcpy(mark, line, FILE_MARK_LEN);
}
