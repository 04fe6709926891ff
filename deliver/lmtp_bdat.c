/*
 * BDAT (RFC 3030) in LMTP: the message comes in counted chunks, one a command.
 * The last one is answered as DATA's end is: once for each recipient. The bytes
 * stand right behind the line whatever is answered, so a line that does not say
 * how many they are ends the session.
 */
#include "deliver/lmtp_session.h"
#include "lib/front/chunk.h"

/* Reads the chunk; `kept`: into the message, else to be thrown away. False: the client went away in the middle. */
static bool
read_chunk(struct lmtp_session *s, uint64_t size, bool kept)
{
	while (size > 0) {
		struct slice have = input_buffered(&s->in);
		enum input_result r = have.len > 0 ? INPUT_OK : input_fill(&s->in);
		if (r != INPUT_OK) {
			lmtp_gone(s, r);
			return false;
		}
		have = input_buffered(&s->in);
		struct slice part = slice_first(have, size < have.len ? (size_t)size : have.len);
		if (kept)
			lmtp_text_add(s, part);
		input_take(&s->in, part.len);
		size -= part.len;
	}
	return true;
}

static void
answer_chunk(struct lmtp_session *s, uint64_t size)
{
	struct outcome o = lmtp_text_judge(s);
	if (outcome_is_done(&o))
		output_format(&s->out, "250 2.0.0 Ok: %llu octets\r\n", (unsigned long long)size);
	else
		lmtp_reply_outcome(s, &o, NULL);
}

void
lmtp_bdat(struct lmtp_session *s, struct slice argument)
{
	struct chunk c;
	if (!chunk_parse(argument, &c)) {
		lmtp_reply(s, 501, "5.5.4", "Syntax: BDAT size [LAST]; what follows cannot be read");
		s->closing = true;
		s->end = "chunk-without-size";
		return;
	}
	if (!s->begun || s->recipient_count == 0) {
		/* RFC 2033 section 4.2: without recipients there are no answers but this one. */
		lmtp_error(s, 503, "5.5.1", s->begun ? "No valid recipients" : "MAIL first");
		read_chunk(s, c.size, false);
		return;
	}
	if (!s->text.begun)
		lmtp_text_begin(s, false);
	if (!read_chunk(s, c.size, true))
		lmtp_text_lost(s);
	else if (c.last)
		lmtp_text_end(s);
	else
		answer_chunk(s, c.size);
}
