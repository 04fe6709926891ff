/*
 * Conversion to seven bits: the same in pieces of any size, nothing beyond
 * ASCII, only CRLF; what was converted needs it no more.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/seven_bit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seven_bit converter;

static void
feed(struct slice text, size_t step)
{
	for (size_t at = 0; at < text.len; at += step)
		seven_bit_feed(&converter, slice_first(slice_from(text, at), step));
	seven_bit_end(&converter);
}

static void
keep(void *context, struct slice bytes)
{
	str_append_slice(context, bytes);
}

static void
check_lines(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		assert((text.data[i] == '\n') == (i > 0 && text.data[i - 1] == '\r'));
		assert(text.data[i] != '\r' || (i + 1 < text.len && text.data[i + 1] == '\n'));
	}
	assert(text.len == 0 || text.data[text.len - 1] == '\n');
}

static void
check_seven(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		assert((unsigned char)text.data[i] < 0x80);
	seven_bit_look(&converter, false);
	feed(text, text.len + 1);
	assert(!converter.facts.eight && converter.facts.obstacle == NULL);
}

/* For a store of lines: what it has written needs no change, and no NUL is left in a body. */
static void
check_for_lines(struct slice text, size_t step)
{
	struct str one = STR_MOST(1 << 20);
	seven_bit_look(&converter, true);
	converter.eight_stays = true;
	feed(text, step);
	if (converter.facts.obstacle == NULL) {
		seven_bit_write(&converter, (struct transfer_taker){.take = keep, .context = &one});
		feed(text, step);
		seven_bit_look(&converter, true);
		converter.eight_stays = true;
		feed(str_slice(&one), step);
		assert(!one.failed && !converter.facts.changes && converter.facts.obstacle == NULL);
	}
	str_free(&one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	bool binary = data[0] & 1;
	size_t step = data[1] + 1u;
	struct slice text = slice_make((const char *)data + 2, size - 2);
	check_for_lines(text, step);
	seven_bit_look(&converter, binary);
	feed(text, step);
	struct seven_facts facts = converter.facts;
	size_t parts = converter.parts;
	if (facts.obstacle == NULL) {
		struct str one = STR_MOST(1 << 20), other = STR_MOST(1 << 20);
		seven_bit_write(&converter, (struct transfer_taker){.take = keep, .context = &one});
		feed(text, 1);
		assert(converter.parts == parts);
		seven_bit_write(&converter, (struct transfer_taker){.take = keep, .context = &other});
		feed(text, step);
		assert(!one.failed && slice_equal(str_slice(&one), str_slice(&other)));
		if (!facts.binary)
			check_lines(str_slice(&one));
		if (!facts.header)
			check_seven(str_slice(&one));
		str_free(&one);
		str_free(&other);
	}
	return 0;
}
