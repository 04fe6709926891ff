/* sources: imapd */
/*
 * Any message through ENVELOPE, BODYSTRUCTURE and sections: no byte outside
 * the message is read, and a literal is as long as it says.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/body.h"
#include "lib/mail/imap_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct output out;

static void
fetch(struct body *b, const char *part, enum section_text text, uint32_t offset)
{
	static struct slice names[2];
	names[0] = slice_of("Subject");
	names[1] = slice_of("Content-Type");
	struct fetch_item item = {.kind = FETCH_SECTION, .partial = offset > 0, .offset = offset, .length = 10,
	    .section = {.part = slice_of(part), .text = text, .names = names, .count = 2}};
	body_write_section(b, &out, &item);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const parts[] = {"", "1", "1.1", "2", "2.1.1", "3"};
	output_open(&out, open("/dev/null", O_WRONLY | O_CLOEXEC), 1000);
	struct body b = {.open = true, .fd = -1, .size = size, .buffer = malloc(size + 1)};
	if (b.buffer == NULL)
		return 0;
	if (size > 0)
		memcpy(b.buffer, data, size);
	b.text = slice_make(b.buffer, size);
	const struct mime_tree *tree = body_tree(&b);
	if (tree != NULL) {
		reply_envelope(&out, slice_first(b.text, header_end(b.text)));
		reply_structure(&out, tree, 0, b.text, true);
		reply_structure(&out, tree, 0, b.text, false);
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (enum section_text text = SECTION_ALL; text <= SECTION_MIME; text++)
			fetch(&b, parts[i], text, (uint32_t)i);
	body_close(&b);
	close(out.fd);
	return 0;
}
