/* Sections without their content transfer encoding: RFC 3516, RFC 9051 section 6.4.5. */
#include "imapd/body.h"

#include <errno.h>

#include "lib/mail/decoder.h"

#define WINDOW     16384 /* bytes that are decoded at a time */
#define BLANK_MOST 998   /* at a line's end, of quoted-printable: RFC 5322 has no longer lines */

/* There before a response is begun, so that nothing can fail then. */
static struct str decoded = STR_MOST(2 * WINDOW);
static struct str blanks = STR_MOST(BLANK_MOST);

/* Decoded bytes on their way. */
struct binary {
	struct decoder decoder;
	struct output *out;  /* NULL: count only */
	uint64_t       skip; /* not wanted first */
	uint64_t       left; /* wanted behind them */
	uint64_t       size; /* of all */
	bool           nul;  /* among what is wanted */
};

static void
take_plain(void *context, struct slice bytes)
{
	struct binary *b = context;
	b->size += bytes.len;
	size_t skip = b->skip < bytes.len ? (size_t)b->skip : bytes.len;
	b->skip -= skip;
	bytes = slice_first(slice_from(bytes, skip), b->left);
	b->left -= bytes.len;
	b->nul = b->nul || slice_has(bytes, '\0');
	if (b->out != NULL)
		output_slice(b->out, bytes);
}

static void
take_encoded(void *context, struct slice bytes)
{
	struct binary *b = context;
	for (; bytes.len > 0; bytes = slice_from(bytes, WINDOW)) {
		str_clear(&decoded);
		decoder_feed(&b->decoder, slice_first(bytes, WINDOW), &decoded);
		take_plain(b, str_slice(&decoded));
	}
}

static size_t
length_without_blanks(struct slice line)
{
	size_t len = line.len;
	while (len > 0 && (line.data[len - 1] == ' ' || line.data[len - 1] == '\t' || line.data[len - 1] == '\r'))
		len--;
	return len;
}

static void
release_blanks(struct binary *b)
{
	take_encoded(b, str_slice(&blanks));
	str_clear(&blanks);
}

/* Blanks at a line's end came on the way and are none of the text (RFC 2045 section 6.7, rule 3); line ends are CRLF. */
static void
take_quoted(void *context, struct slice bytes)
{
	while (bytes.len > 0) {
		struct slice line = slice_first(bytes, slice_find(bytes, '\n'));
		struct slice text = slice_first(line, length_without_blanks(line));
		if (text.len > 0)
			release_blanks(context);
		take_encoded(context, text);
		if (!str_append_slice(&blanks, slice_from(line, text.len)))
			release_blanks(context);
		if (line.len < bytes.len) {
			str_clear(&blanks);
			take_encoded(context, slice_of("\r\n"));
		}
		bytes = slice_from(bytes, line.len + 1);
	}
}

static void
take_wire(void *context, struct slice bytes)
{
	wire_feed(context, bytes);
}

static void
feed(const struct body *body, const struct section *section, const struct mime_part *part, struct binary *b)
{
	decoder_begin(&b->decoder, part->kind == MIME_LEAF ? part->encoding : slice_make(NULL, 0));
	str_clear(&blanks);
	struct wire w = {.taker = {take_plain, b}, .left = UINT64_MAX};
	switch (b->decoder.kind) {
	case DECODER_PLAIN:
		body_feed(body, section, part, (struct transfer_taker){take_wire, &w});
		return;
	case DECODER_QUOTED:
		body_feed(body, section, part, (struct transfer_taker){take_quoted, b});
		return;
	case DECODER_BASE64:
		body_feed(body, section, part, (struct transfer_taker){take_encoded, b});
		return;
	}
}

static bool
is_known(struct slice encoding)
{
	static const char *const known[] = {"", "7bit", "8bit", "binary", "quoted-printable", "base64"};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_is_nocase(encoding, known[i]))
			return true;
	return false;
}

bool
body_binary_ready(struct body *b, const struct section *section)
{
	struct mime_part root = {.kind = MIME_LEAF};
	str_clear(&decoded);
	str_clear(&blanks);
	errno = ENOMEM;
	if ((section->part.len > 0 && body_tree(b) == NULL) || !str_reserve(&decoded, 2 * WINDOW) || !str_reserve(&blanks, BLANK_MOST))
		return false;
	const struct mime_part *part = body_find(b, section, &root);
	errno = ENOTSUP;
	return part == NULL || part->kind != MIME_LEAF || is_known(part->encoding);
}

void
body_write_binary(struct body *b, struct output *out, const struct fetch_item *item)
{
	struct mime_part root = {.kind = MIME_LEAF};
	const struct mime_part *part = body_find(b, &item->section, &root);
	if (part == NULL) {
		output_text(out, "NIL");
		return;
	}
	const struct binary wanted = {.skip = item->partial ? item->offset : 0, .left = item->partial ? item->length : UINT64_MAX};
	struct binary count = wanted, w = wanted;
	feed(b, &item->section, part, &count);
	uint64_t len = wanted.left - count.left;
	output_format(out, count.nul ? "~{%llu}\r\n" : "{%llu}\r\n", (unsigned long long)len);
	w.out = out;
	w.left = len;
	feed(b, &item->section, part, &w);
	for (; w.left > 0 && !out->failed; w.left--)
		output_write(out, " ", 1);
}

uint64_t
body_binary_size(struct body *b, const struct section *section)
{
	struct mime_part root = {.kind = MIME_LEAF};
	const struct mime_part *part = body_find(b, section, &root);
	struct binary count = {.left = UINT64_MAX};
	if (part != NULL)
		feed(b, section, part, &count);
	return count.size;
}

void
body_binary_done(void)
{
	str_free(&decoded);
	str_free(&blanks);
}
