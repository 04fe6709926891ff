/*
 * Buffered reading and writing of a descriptor with deadlines. Every wait ends:
 * a read or write that makes no progress within `timeout` milliseconds fails.
 * Works on blocking and non-blocking sockets and pipes.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define STREAM_BUFFER 16384

/* What stands between a descriptor and the bytes of its streams, both ways (imapd: DEFLATE). */
struct stream_coding {
	void *state;
	/* Decodes some of what was read: the bytes put `into`, 0: more must be read first, -1: it is broken (errno). */
	ssize_t (*decode)(void *state, char *into, size_t room);
	/* As read(2), of coded bytes, which it keeps. Only when there is nothing left to decode. */
	ssize_t (*read)(void *state, int fd);
	/* Codes bytes and gives what comes of it to `emit`; with `whole` the peer can read all that was coded so far. False: it failed. */
	bool (*encode)(void *state, struct slice bytes, bool whole, void (*emit)(void *context, struct slice coded), void *context);
};

enum input_result {
	INPUT_OK,
	INPUT_END,      /* the peer closed */
	INPUT_TIMEOUT,
	INPUT_ERROR,    /* errno says why */
	INPUT_TOO_LONG, /* a line longer than asked for; what was read of it stays unread */
};

struct input {
	int    fd;
	int    timeout; /* milliseconds without a byte; -1: for ever */
	int    budget;  /* milliseconds that may be waited in all until the caller gives more; -1: any */
	size_t start, end;
	/* Called before a wait for more bytes, to flush what the peer waits for; may be NULL. */
	void (*before_wait)(void *context);
	void  *context;
	const struct stream_coding *coding; /* NULL: none */
	char   buffer[STREAM_BUFFER];
};

void input_open(struct input *in, int fd, int timeout);

/* What is buffered and not yet taken. */
struct slice input_buffered(const struct input *in);
/* Whether something is buffered, or was read and only waits to be decoded: then a wait for the descriptor would be in vain. */
bool input_has(struct input *in);
/* Forgets `len` buffered bytes. */
void input_take(struct input *in, size_t len);
/* Waits for at least one more byte behind what is buffered. INPUT_TOO_LONG when the buffer is full. */
enum input_result input_fill(struct input *in);

/*
 * The next line up to and with its LF, as long as it has at most `most` bytes
 * (at most STREAM_BUFFER). The slice is valid until the next call. What ended
 * the line (CRLF or a bare LF) is the caller's to judge.
 */
enum input_result input_line(struct input *in, size_t most, struct slice *line);

/* Whatever is there, at least one byte, at most `most`; taken. Valid until the next call. */
enum input_result input_some(struct input *in, size_t most, struct slice *bytes);

struct output {
	int    fd;
	int    timeout;
	size_t len;
	bool   failed; /* a write failed: all later ones do nothing */
	struct str *into; /* not NULL: there instead of to fd */
	const struct stream_coding *coding; /* NULL: none */
	char   buffer[STREAM_BUFFER];
};

void output_open(struct output *out, int fd, int timeout);
/* What is written is appended to `into` at each flush; fails when that is full. */
void output_open_memory(struct output *out, struct str *into);
void output_write(struct output *out, const void *bytes, size_t len);
void output_slice(struct output *out, struct slice part);
void output_text(struct output *out, const char *text);
/* In decimal; for what is written for each of many. */
void output_number(struct output *out, uint64_t number);
__attribute__((format(printf, 2, 3))) void output_format(struct output *out, const char *format, ...);
/* Sends what is buffered, here and in the kernel: whoever waits for the peer calls it first. False when this or an earlier write failed. */
bool output_flush(struct output *out);

#endif
