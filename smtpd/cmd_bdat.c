/*
 * BDAT (RFC 3030): the message comes in counted chunks, one a command. The
 * bytes stand right behind the line whatever is answered, so a line that does not
 * say how many they are ends the session: nobody can tell them from commands.
 */
#include <string.h>

#include "lib/front/chunk.h"
#include "smtpd/command.h"
#include "smtpd/limits.h"
#include "smtpd/message.h"
#include "smtpd/reply.h"

/* The line is understood; else it has been answered, and the session ends. */
static bool
understand(struct session *s, struct slice argument, struct chunk *c)
{
	if (chunk_parse(argument, c))
		return true;
	reply(s, 501, "5.5.4", "Syntax: BDAT size [LAST]; what follows cannot be read");
	s->closing = true;
	s->end = "chunk-without-size";
	return false;
}

/* Reads the chunk, into `m` or (NULL) to be thrown away. False: the client went away in the middle. */
static bool
read_chunk(struct session *s, struct message *m, uint64_t size)
{
	limits_await_text(s);
	while (size > 0) {
		struct slice have = input_buffered(&s->in);
		if (have.len == 0) {
			enum input_result r = limits_read_text(s);
			if (r != INPUT_OK) {
				session_gone(s, r);
				return false;
			}
			have = input_buffered(&s->in);
		}
		struct slice part = slice_first(have, size < have.len ? (size_t)size : have.len);
		if (m != NULL)
			message_take(s, m, part);
		input_take(&s->in, part.len);
		size -= part.len;
	}
	return true;
}

void
bdat_pass_over(struct session *s, struct slice argument)
{
	struct chunk c;
	if (understand(s, argument, &c))
		read_chunk(s, NULL, c.size);
}

static void
answer_chunk(struct session *s, struct message *m, uint64_t size)
{
	struct outcome o = message_judge(s, m);
	message_pause(s, m);
	if (outcome_is_done(&o))
		output_format(&s->out, "250 2.0.0 Ok: %llu octets\r\n", (unsigned long long)size);
	else
		refuse_outcome(s, &o, "BDAT", slice_of(s->envelope.queue_id));
}

void
cmd_bdat(struct session *s, struct slice argument)
{
	struct chunk c;
	struct envelope *e = &s->envelope;
	struct message *m = &s->message;
	if (!understand(s, argument, &c))
		return;
	if (!e->begun || e->recipient_count == 0) {
		reply(s, e->begun ? 554 : 503, "5.5.1", e->begun ? "No valid recipients" : "MAIL first");
		read_chunk(s, NULL, c.size);
		return;
	}
	if (c.size == 0 && !c.last)
		s->counts.idle++;
	/* That it could not be begun is the answer to this chunk and all that follow. */
	if (!m->begun)
		message_begin(s, m, MESSAGE_BDAT);
	if (!read_chunk(s, m, c.size)) {
		session_reset(s);
	} else if (c.last) {
		message_end(s, m);
		session_reset(s);
	} else {
		answer_chunk(s, m, c.size);
	}
}
