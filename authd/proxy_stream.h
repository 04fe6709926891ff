/*
 * Services for other people's programs: byte streams on Unix sockets, on the
 * event loop. What a peer sends is bounded in length and in time: a request is
 * at most STREAM_REQUEST_MOST bytes and comes whole within STREAM_STALL_MOST,
 * answers are taken within that time too. What it sent may hold a password and
 * is wiped when it was taken.
 */
#ifndef AUTHD_PROXY_STREAM_H
#define AUTHD_PROXY_STREAM_H

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/ipc/server.h"

#define STREAM_REQUEST_MOST 16384 /* bytes; Dovecot's own bound for a line */
#define STREAM_ANSWERS_MOST 32768 /* bytes that a peer has not taken yet */
#define STREAM_STALL_MOST   60000 /* ms */
#define STREAMS_MOST        1024  /* connections of one service at a time */

enum stream_step {
	STREAM_WAIT,  /* the request is not whole yet */
	STREAM_TAKEN, /* one was taken (stream_take()); there may be another */
	STREAM_BAD,   /* malformed or out of turn: s->why says how; the conversation ends */
};

struct stream;

struct stream_service {
	struct service service;     /* first; started by stream_start() */
	const char    *name;        /* of the protocol, for the log */
	size_t         size;        /* of a struct that begins with struct stream */
	uint64_t       refused;     /* requests that were malformed, since the start */
	bool (*opened)(struct stream *s);             /* may be NULL; false closes at once */
	enum stream_step (*take)(struct stream *s);   /* looks at stream_input() */
	void (*closed)(struct stream *s);             /* the last call for s */
};

struct stream {
	struct connection connection; /* first */
	/* Set by the protocol. */
	const char *why;     /* with STREAM_BAD */
	bool        busy;    /* one request at a time is under way: no other is read before stream_resume() */
	bool        patient; /* the peer may be silent between requests */
	/* The stream's own. */
	char        *in;     /* STREAM_REQUEST_MOST bytes, while there is something in it */
	size_t       in_len;
	struct str   out;
	struct timer stall;
	uint32_t     events;
	bool         ended;  /* the peer sends no more */
	bool         ending; /* closed when `out` is sent */
};

/*
 * Listens on a socket: `path` absolute, or relative to authproxy/ in the run
 * directory. `users` are the names, separated by blanks, of those who may ask.
 * False, logged.
 */
bool stream_start(struct stream_service *s, const char *path, const char *users);

struct slice stream_input(const struct stream *s);
/* Takes the first `len` bytes of the input away and wipes them. */
void stream_take(struct stream *s, size_t len);
void stream_say(struct stream *s, struct slice bytes);
/* Reads and takes requests again, after `busy`. Not within take(). */
void stream_resume(struct stream *s);
/* Closes when all answers are sent. */
void stream_finish(struct stream *s);
/* Closes without (further) answer. */
void stream_abort(struct stream *s);

#endif
