#include <errno.h>
#include <unistd.h>

#include "queue/remote_body.h"
#include "queue/remote_session.h"

static void
set_taken(struct errand *e, const struct outcome *o)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->outcomes[i].class == OUTCOME_DONE)
			e->outcomes[i] = *o;
}

/* The file's bytes, as they are (binary) or as DATA wants them. False: the file could not be read. */
static bool
copy_file(struct session *s, struct body *body)
{
	char piece[STREAM_BUFFER];
	const struct errand *e = s->errand;
	uint64_t done = 0;
	while (done < e->length && !s->out.failed) {
		size_t len = e->length - done < sizeof piece ? (size_t)(e->length - done) : sizeof piece;
		ssize_t n = pread(e->file, piece, len, (off_t)(e->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		struct slice bytes = slice_make(piece, (size_t)n);
		if (body != NULL)
			body_write(body, &s->out, bytes);
		else
			output_slice(&s->out, bytes);
		done += (uint64_t)n;
	}
	return true;
}

/* False: the connection must be cut before the end of the message. */
static bool
send_lines(struct session *s)
{
	struct body body = {.in_line = false};
	if (!copy_file(s, &body))
		return false;
	body_end(&body, &s->out);
	output_flush(&s->out);
	return true;
}

/* One chunk with all of it: RFC 3030 section 2. */
static bool
send_chunk(struct session *s)
{
	output_format(&s->out, "BDAT %llu LAST\r\n", (unsigned long long)s->errand->length);
	if (!copy_file(s, NULL))
		return false;
	output_flush(&s->out);
	return true;
}

static bool
read_verdict(struct session *s)
{
	s->in.timeout = 2 * s->settings->timeout;
	if (!session_read(s, "the message")) {
		/* It may have taken the message: no other host gets it now, so that it does not come twice. */
		set_taken(s->errand, s->trouble);
		return true;
	}
	struct outcome o = reply_outcome(&s->reply, s->server, "the message", "6.0");
	set_taken(s->errand, &o);
	return true;
}

static bool
cut(struct session *s)
{
	*s->trouble = outcome_make("4.3.0", "the queue file could not be read");
	return false;
}

bool
session_send_message(struct session *s)
{
	if (s->errand->binary)
		return send_chunk(s) ? read_verdict(s) : cut(s);
	output_text(&s->out, "DATA\r\n");
	output_flush(&s->out);
	if (!session_read(s, "DATA"))
		return false;
	if (s->reply.code == 354)
		return send_lines(s) ? read_verdict(s) : cut(s);
	if (session_is_closing(s))
		return session_unwilling(s, "DATA");
	struct outcome o = reply_outcome(&s->reply, s->server, "DATA", "3.0");
	if (o.class == OUTCOME_DONE)
		o = outcome_make("4.5.0", "%s", o.text);
	set_taken(s->errand, &o);
	return true;
}
