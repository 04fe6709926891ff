#include "imapd/compress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define RAW_DEFLATE (-15) /* no header, a window of 32 KiB */
#define MEMORY      8     /* zlib's own choice */
#define PIECE       8192  /* bytes that come out of the compressor at once */

struct compression {
	z_stream decoder;
	z_stream encoder;
	bool     encodes;    /* there is an encoder now */
	bool     unfinished; /* it holds what was not made readable for the client yet */
	char     raw[STREAM_BUFFER]; /* read and not decoded */
	char     piece[PIECE];
};

static struct compression *compression;

/* --- what comes --------------------------------------------------------------------- */

static ssize_t
decode(void *state, char *into, size_t room)
{
	struct compression *c = state;
	c->decoder.next_out = (Bytef *)into;
	c->decoder.avail_out = (uInt)room;
	int r = inflate(&c->decoder, Z_SYNC_FLUSH);
	if (room > c->decoder.avail_out)
		return (ssize_t)(room - c->decoder.avail_out);
	/* The end of a stream is nothing that a client may send (RFC 4978 section 3: until the connection ends). */
	if (r == Z_OK || r == Z_BUF_ERROR)
		return 0;
	errno = r == Z_MEM_ERROR ? ENOMEM : EBADMSG;
	return -1;
}

static ssize_t
read_raw(void *state, int fd)
{
	struct compression *c = state;
	ssize_t n = read(fd, c->raw, sizeof c->raw);
	if (n > 0) {
		c->decoder.next_in = (Bytef *)c->raw;
		c->decoder.avail_in = (uInt)n;
	}
	return n;
}

/* --- what goes ---------------------------------------------------------------------- */

static bool
begin_encoder(struct compression *c)
{
	if (c->encodes)
		return true;
	c->encoder = (z_stream){.next_in = NULL};
	c->encodes = deflateInit2(&c->encoder, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_DEFLATE, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
	return c->encodes;
}

static bool
encode(void *state, struct slice bytes, bool whole, void (*emit)(void *context, struct slice coded), void *context)
{
	struct compression *c = state;
	if (bytes.len == 0 && !(whole && c->unfinished))
		return true;
	if (!begin_encoder(c))
		return false;
	c->encoder.next_in = (Bytef *)(uintptr_t)bytes.data;
	c->encoder.avail_in = (uInt)bytes.len;
	do {
		c->encoder.next_out = (Bytef *)c->piece;
		c->encoder.avail_out = sizeof c->piece;
		if (deflate(&c->encoder, whole ? Z_SYNC_FLUSH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return false;
		emit(context, slice_make(c->piece, sizeof c->piece - c->encoder.avail_out));
	} while (c->encoder.avail_out == 0);
	c->unfinished = !whole;
	return true;
}

/*
 * Behind a flush each block stands on whole bytes, and nothing obliges the next
 * one to look back: so a new compressor can go on where the old one stopped.
 */
void
compress_rest(void)
{
	if (compression == NULL || !compression->encodes || compression->unfinished)
		return;
	deflateEnd(&compression->encoder);
	compression->encodes = false;
}

/* --- begin -------------------------------------------------------------------------- */

static void
take_buffered(struct compression *c, struct input *in)
{
	struct slice have = input_buffered(in);
	memcpy(c->raw, have.data, have.len);
	c->decoder.next_in = (Bytef *)c->raw;
	c->decoder.avail_in = (uInt)have.len;
	input_take(in, have.len);
}

bool
compress_begin(struct input *in, struct output *out)
{
	static struct stream_coding coding = {.decode = decode, .read = read_raw, .encode = encode};
	struct compression *c = calloc(1, sizeof *c);
	if (c == NULL || inflateInit2(&c->decoder, RAW_DEFLATE) != Z_OK) {
		free(c);
		return false;
	}
	take_buffered(c, in);
	compression = coding.state = c;
	in->coding = out->coding = &coding;
	return true;
}

bool
compress_on(const struct output *out)
{
	return out->coding != NULL;
}
