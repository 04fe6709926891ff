#include "tlsd/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "lib/base/clock.h"
#include "tlsd/own_memory.h"

#define BUFFER 16384 /* one TLS record */
#define IDLE   5000  /* ms */
#define LINGER 3000  /* ms: for the client to close, once all was said */

/* One direction. */
struct flow {
	size_t start, end; /* what is not yet passed on */
	bool   ended;      /* nothing more comes in */
	bool   closed;     /* and its end was passed on */
	char  *data;   /* BUFFER bytes */
};

/* Each of the four ends may have to wait until poll(2) says that it is ready. */
struct relay {
	SSL        *ssl;
	int         client, plain;
	bool        broken;     /* the TLS session can neither read nor write any more */
	bool        front_gone; /* nobody holds the other end of the plain socket */
	short       read_waits, write_waits; /* POLLIN or POLLOUT of the client: what SSL_read, SSL_write wait for */
	bool        plain_read_waits, plain_write_waits;
	int         farewell; /* ms without a byte that a client may keep us once the front has ended */
	struct flow in;  /* from the client to the front */
	struct flow out; /* from the front to the client */
};

static bool
is_empty(const struct flow *f)
{
	return f->start == f->end;
}

static void
filled(struct flow *f, size_t len)
{
	f->start = 0;
	f->end = len;
}

/* What to do after SSL_read, SSL_write or SSL_shutdown returned `result` <= 0. Gives what to wait for, or 0. */
static short
after_failure(struct relay *r, int result)
{
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	case SSL_ERROR_ZERO_RETURN:
		/* OpenSSL says it of a write that failed as well, once the client's close_notify is there. */
		r->broken = r->in.ended;
		r->in.ended = true;
		return 0;
	default:
		r->broken = true;
		ERR_clear_error();
		return 0;
	}
}

/* The steps: each does what can be done now and says whether it did something. */

static bool
read_client(struct relay *r)
{
	if (r->in.ended || !is_empty(&r->in) || r->read_waits != 0)
		return false;
	int n = SSL_read(r->ssl, r->in.data, BUFFER);
	if (n > 0)
		filled(&r->in, (size_t)n);
	else
		r->read_waits = after_failure(r, n);
	return r->read_waits == 0;
}

static bool
write_plain(struct relay *r)
{
	struct flow *f = &r->in;
	if (r->front_gone)
		f->start = f->end;
	if (is_empty(f) || r->plain_write_waits)
		return false;
	ssize_t n = send(r->plain, f->data + f->start, f->end - f->start, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		f->start += (size_t)n;
	else if (errno == EAGAIN)
		r->plain_write_waits = true;
	else if (errno != EINTR)
		r->front_gone = true;
	return !r->plain_write_waits;
}

static bool
read_plain(struct relay *r)
{
	if (r->out.ended || !is_empty(&r->out) || r->plain_read_waits)
		return false;
	ssize_t n = recv(r->plain, r->out.data, BUFFER, MSG_DONTWAIT);
	if (n > 0)
		filled(&r->out, (size_t)n);
	else if (n < 0 && errno == EAGAIN)
		r->plain_read_waits = true;
	else if (n == 0 || errno != EINTR)
		r->out.ended = true;
	return !r->plain_read_waits;
}

static bool
write_client(struct relay *r)
{
	struct flow *f = &r->out;
	if (is_empty(f) || r->write_waits != 0)
		return false;
	int n = SSL_write(r->ssl, f->data + f->start, (int)(f->end - f->start));
	if (n > 0)
		f->start += (size_t)n;
	else
		r->write_waits = after_failure(r, n);
	return r->write_waits == 0;
}

static bool
end_plain(struct relay *r)
{
	struct flow *f = &r->in;
	if (!f->ended || !is_empty(f) || f->closed)
		return false;
	shutdown(r->plain, SHUT_WR);
	f->closed = true;
	return true;
}

static bool
end_client(struct relay *r)
{
	struct flow *f = &r->out;
	if (!f->ended || !is_empty(f) || f->closed || r->write_waits != 0)
		return false;
	int n = SSL_shutdown(r->ssl);
	if (n < 0)
		r->write_waits = after_failure(r, n);
	if (r->write_waits != 0)
		return false;
	shutdown(r->client, SHUT_WR);
	f->closed = true;
	return true;
}

static bool
step(struct relay *r)
{
	bool moved = read_client(r);
	moved = (!r->broken && write_plain(r)) || moved;
	moved = (!r->broken && end_plain(r)) || moved;
	moved = (!r->broken && read_plain(r)) || moved;
	moved = (!r->broken && write_client(r)) || moved;
	return (!r->broken && end_client(r)) || moved;
}

/* poll(2). Once nothing has come for a while, memory that is only used between waits is given back. */
static int
wait_idly(struct relay *r, struct pollfd *w, int timeout)
{
	int n = poll(w, 2, timeout < 0 ? IDLE : timeout);
	if (n != 0 || timeout >= 0)
		return n;
	own_memory_rest();
	if (is_empty(&r->in))
		own_memory_give_back(r->in.data, BUFFER);
	if (is_empty(&r->out))
		own_memory_give_back(r->out.data, BUFFER);
	return poll(w, 2, timeout);
}

/*
 * Waits until something that a step waits for is ready. A descriptor that nothing is wanted of is not looked at.
 * False: the front has ended, and the client takes and says nothing for too long.
 */
static bool
wait_for_either(struct relay *r)
{
	short client = (short)(r->read_waits | r->write_waits);
	short plain = (short)((r->plain_read_waits ? POLLIN : 0) | (r->plain_write_waits ? POLLOUT : 0));
	/* A hang-up says that nobody is there any more, though what he wrote may still lie here. */
	bool watch_front = plain != 0 || !r->front_gone;
	struct pollfd w[2] = {{.fd = client != 0 ? r->client : -1, .events = client},
	    {.fd = watch_front ? r->plain : -1, .events = plain}};
	int n = wait_idly(r, w, r->front_gone || r->out.ended ? r->farewell : -1);
	if (n <= 0)
		return n < 0;
	short failed = POLLERR | POLLHUP | POLLNVAL;
	if (w[0].revents & (r->read_waits | failed))
		r->read_waits = 0;
	if (w[0].revents & (r->write_waits | failed))
		r->write_waits = 0;
	if (w[1].revents & (POLLIN | failed))
		r->plain_read_waits = false;
	if (w[1].revents & (POLLOUT | failed))
		r->plain_write_waits = false;
	if (w[1].revents & failed)
		r->front_gone = true;
	return true;
}

/*
 * All was said and the front has gone: the client's last bytes are read away
 * for a while, since closing before that could take our last ones from it.
 */
static void
linger(struct relay *r)
{
	int64_t deadline = clock_ms() + LINGER;
	struct pollfd w = {.fd = r->client, .events = POLLIN};
	while (poll(&w, 1, clock_poll_timeout(deadline)) > 0) {
		ssize_t n = recv(r->client, r->in.data, BUFFER, MSG_DONTWAIT);
		if (n <= 0 && errno != EINTR)
			return;
		if (clock_ms() >= deadline)
			return;
	}
}

void
relay_run(SSL *ssl, int client, int plain, int farewell)
{
	static struct relay relay; /* a child relays once */
	static _Alignas(4096) char buffers[2][BUFFER]; /* zero pages until they are used */
	relay.in.data = buffers[0];
	relay.out.data = buffers[1];
	relay.ssl = ssl;
	relay.client = client;
	relay.plain = plain;
	relay.farewell = farewell;
	for (;;) {
		while (!relay.broken && step(&relay))
			;
		if (relay.broken || (relay.in.closed && relay.out.closed))
			return;
		if (relay.front_gone && relay.out.closed)
			break;
		if (!wait_for_either(&relay))
			return;
	}
	linger(&relay);
}
