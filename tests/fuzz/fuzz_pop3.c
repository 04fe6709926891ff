/* sources: pop3d/command.c pop3d/uidl.c pop3d/surrogate.c pop3d/surrogate_field.c pop3d/carried.c pop3d/texts.c */
/*
 * What POP3's programs parse: command lines, the format of UIDLs and what is made by it, what the front has told the session,
 * and messages with headers in UTF-8. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "pop3d/carried.h"
#include "pop3d/command.h"
#include "pop3d/surrogate.h"
#include "pop3d/uidl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_command(struct slice text)
{
	uint64_t number, lines;
	struct command c = command_of(text);
	if (c.name.len + c.argument.len > text.len)
		abort();
	if (command_message(c.argument, &number) && number == 0)
		abort();
	command_top(c.argument, &number, &lines);
}

static void
try_uidl(struct slice text)
{
	static struct uidl_format f;
	struct str id = STR_MOST(1 << 16);
	size_t line = slice_find(text, '\n');
	const struct uidl_facts facts = {.uid = 4294967295u, .uidvalidity = 1, .base = slice_from(text, line + 1)};
	if (uidl_format_read(&f, slice_first(text, line)) == NULL && uidl_append(&id, &f, &facts)) {
		uidl_bound(&id, 0, UIDL_MOST);
		if (id.len < 1 || id.len > UIDL_MOST || uidl_bound(&id, 0, UIDL_MOST))
			abort();
	}
	str_free(&id);
}

static void
try_carried(struct slice text)
{
	struct carried c, again;
	struct str written = STR_MOST(4096);
	carried_read(&c, text);
	carried_write(&written, &c);
	carried_read(&again, str_slice(&written));
	if (c.language != again.language || c.utf8 != again.utf8 || strcmp(c.mechanisms, again.mechanisms) != 0)
		abort();
	str_free(&written);
}

static void
take(void *context, struct slice bytes)
{
	str_append_slice(context, bytes);
}

static void
try_surrogate(struct slice text)
{
	static struct surrogate s;
	struct str whole = STR_MOST(1 << 20), bytes = STR_MOST(1 << 20);
	surrogate_begin(&s, (struct transfer_taker){.take = take, .context = &whole});
	surrogate_feed(&s, text);
	surrogate_end(&s);
	surrogate_begin(&s, (struct transfer_taker){.take = take, .context = &bytes});
	for (size_t i = 0; i < text.len; i++)
		surrogate_feed(&s, slice_make(text.data + i, 1));
	surrogate_end(&s);
	/* However it is cut into pieces; ASCII as it is; and of what is made nothing more can be made. */
	if (!slice_equal(str_slice(&whole), str_slice(&bytes)) || (address_is_ascii(text) && !slice_equal(str_slice(&whole), text)))
		abort();
	str_clear(&bytes);
	surrogate_begin(&s, (struct transfer_taker){.take = take, .context = &bytes});
	surrogate_feed(&s, str_slice(&whole));
	surrogate_end(&s);
	if (!slice_equal(str_slice(&whole), str_slice(&bytes)))
		abort();
	str_free(&whole);
	str_free(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct slice text) = {try_command, try_uidl, try_carried, try_surrogate};
	if (size == 0)
		return 0;
	/* A copy of its own, so that a read behind its end is seen. */
	char *copy = malloc(size - 1 > 0 ? size - 1 : 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	tries[data[0] % 4](slice_make(copy, size - 1));
	free(copy);
	return 0;
}
