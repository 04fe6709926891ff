/* A literal8 becomes a message that any FETCH can tell: RFC 3516 sections 4.4 and 6. */
#include <errno.h>
#include <unistd.h>

#include "imapd/append.h"
#include "lib/base/file.h"
#include "lib/mail/seven_bit.h"

#define WINDOW 65536

static struct seven_bit converter;

static bool
feed(const struct append *a, void (*take)(void *context, struct slice bytes), void *context)
{
	static char window[WINDOW];
	for (uint64_t at = 0; at < a->taken; at += WINDOW) {
		size_t len = a->taken - at < WINDOW ? (size_t)(a->taken - at) : WINDOW;
		if (!file_read_at(a->spool, window, len, (off_t)at))
			return false;
		take(context, slice_make(window, len));
	}
	return true;
}

static void
look(void *context, struct slice bytes)
{
	bool *nul = context;
	*nul = *nul || slice_has(bytes, '\0');
	seven_bit_feed(&converter, bytes);
}

static void
write_some(void *context, struct slice bytes)
{
	(void)context;
	seven_bit_feed(&converter, bytes);
}

static void
save_some(void *context, struct slice bytes)
{
	(void)context;
	save_write(&append_save, bytes.data, bytes.len);
}

static bool
write_converted(struct append *a)
{
	seven_bit_write(&converter, (struct transfer_taker){.take = save_some});
	bool ok = feed(a, write_some, NULL);
	seven_bit_end(&converter);
	return ok;
}

/* False with errno; ENOTSUP: there is no way without loss. */
static bool
convert(struct append *a)
{
	bool nul = false;
	errno = a->trouble;
	if (a->trouble != 0)
		return false;
	seven_bit_look(&converter, true);
	converter.eight_stays = true;
	if (!feed(a, look, &nul))
		return false;
	seven_bit_end(&converter);
	errno = ENOTSUP;
	if (converter.facts.obstacle != NULL && nul)
		return false;
	bool as_it_is = converter.facts.obstacle != NULL || !converter.facts.changes;
	return as_it_is ? feed(a, save_some, NULL) : write_converted(a);
}

bool
append_convert(struct append *a)
{
	bool ok = convert(a);
	int trouble = errno;
	seven_bit_free(&converter);
	close(a->spool);
	a->spool = -1;
	errno = trouble;
	if (ok)
		return true;
	return append_refuse(a, trouble == ENOTSUP ? answer_no("UNKNOWN-CTE", "there is a NUL where no encoding is possible") : answer_errno("append"));
}
