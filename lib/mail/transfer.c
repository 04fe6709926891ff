#include "lib/mail/transfer.h"

#include <string.h>

#define LINE_MOST 76

void
transfer_begin(struct transfer *t, enum transfer_kind kind, struct transfer_taker taker)
{
	*t = (struct transfer){.kind = kind, .taker = taker};
}

static void
give(struct transfer *t, struct slice bytes)
{
	if (bytes.len > 0)
		t->taker.take(t->taker.context, bytes);
}

static void
flush(struct transfer *t)
{
	give(t, slice_make(t->line, t->len));
	t->len = 0;
}

static void
add(struct transfer *t, const char *bytes, size_t len)
{
	memcpy(t->line + t->len, bytes, len);
	t->len += len;
}

/* --- quoted-printable ------------------------------------------------------------------------- */

/* One character or one "=XX"; the last column is left for a soft line break. */
static void
quoted_add(struct transfer *t, const char *unit, size_t len)
{
	if (t->len + len > LINE_MOST - 1) {
		add(t, "=\r\n", 3);
		flush(t);
	}
	add(t, unit, len);
}

static void
quoted_escape(struct transfer *t, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";
	char unit[3] = {'=', digits[byte >> 4], digits[byte & 15]};
	quoted_add(t, unit, sizeof unit);
}

/* What was held back: as it is, unless the line ends behind it. */
static void
quoted_release(struct transfer *t, bool at_end)
{
	char held = t->held;
	t->held = '\0';
	if (held != '\0' && at_end)
		quoted_escape(t, (unsigned char)held);
	else if (held != '\0')
		quoted_add(t, &held, 1);
}

static void
quoted_write(struct transfer *t, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.data[i];
		quoted_release(t, false);
		if (c == ' ' || c == '\t')
			t->held = c;
		else if (c > ' ' && c <= '~' && c != '=')
			quoted_add(t, &c, 1);
		else
			quoted_escape(t, (unsigned char)c);
	}
}

/* --- base64 ----------------------------------------------------------------------------------- */

static void
base64_group(struct transfer *t)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *g = t->group;
	if (t->len == LINE_MOST) {
		add(t, "\r\n", 2);
		flush(t);
	}
	char four[4] = {alphabet[g[0] >> 2], alphabet[(g[0] & 3) << 4 | g[1] >> 4],
	    t->group_len > 1 ? alphabet[(g[1] & 15) << 2 | g[2] >> 6] : '=', t->group_len > 2 ? alphabet[g[2] & 63] : '='};
	add(t, four, sizeof four);
	memset(t->group, 0, sizeof t->group);
	t->group_len = 0;
}

static void
base64_write(struct transfer *t, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		t->group[t->group_len++] = (unsigned char)bytes.data[i];
		if (t->group_len == sizeof t->group)
			base64_group(t);
	}
}

/* --- as it is --------------------------------------------------------------------------------- */

static void
seven_write(struct transfer *t, struct slice bytes)
{
	size_t from = 0;
	for (size_t i = 0; i < bytes.len; i++)
		if ((unsigned char)bytes.data[i] >= 0x80) {
			give(t, slice_make(bytes.data + from, i - from));
			give(t, slice_of("?"));
			from = i + 1;
		}
	give(t, slice_from(bytes, from));
}

void
transfer_write(struct transfer *t, struct slice bytes)
{
	switch (t->kind) {
	case TRANSFER_PLAIN:
		give(t, bytes);
		break;
	case TRANSFER_SEVEN:
		seven_write(t, bytes);
		break;
	case TRANSFER_QUOTED:
		quoted_write(t, bytes);
		break;
	case TRANSFER_BASE64:
		base64_write(t, bytes);
		break;
	}
}

void
transfer_end_line(struct transfer *t)
{
	if (t->kind == TRANSFER_BASE64) {
		base64_write(t, slice_of("\r\n"));
		return;
	}
	quoted_release(t, true);
	flush(t);
	give(t, slice_of("\r\n"));
}

void
transfer_finish(struct transfer *t)
{
	if (t->group_len > 0)
		base64_group(t);
	quoted_release(t, true);
	flush(t);
}
