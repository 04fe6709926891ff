/* In which form a server can take the message: RFC 6152, RFC 3030, RFC 6531. */
#include <errno.h>
#include <unistd.h>

#include "lib/mail/address.h"
#include "lib/mail/seven_bit.h"
#include "queue/remote_session.h"

#define EAGER_MOST 65536 /* bytes that are sent before the server has said that it takes a recipient */

static struct seven_bit converter;

bool
session_needs_utf8(const struct session *s)
{
	const struct errand *e = s->errand;
	bool ascii = address_is_ascii(e->sender) && !(e->utf8 && e->utf8_header);
	for (size_t i = 0; i < e->count; i++)
		ascii = ascii && address_is_ascii(e->recipients[i].address);
	return !ascii;
}

/* --- reading the file -------------------------------------------------------------------------- */

/* False: it could not be read. Stops early when what is written goes nowhere, or the time is over. */
static bool
read_file(struct session *s, struct body *body, void (*take)(struct body *, struct slice))
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
		take(body, slice_make(piece, (size_t)n));
		done += (uint64_t)n;
		if (errand_patience(e, 1) == 0)
			s->out.failed = true;
	}
	return true;
}

static void
convert(struct body *body, struct slice bytes)
{
	(void)body;
	seven_bit_feed(&converter, bytes);
}

static void
take_converted(void *body, struct slice bytes)
{
	body_write(body, bytes);
}

bool
session_write_message(struct session *s, struct body *body)
{
	if (s->form != FORM_SEVEN) {
		bool ok = read_file(s, body, body_write);
		body_end(body);
		return ok;
	}
	seven_bit_write(&converter, (struct transfer_taker){.take = take_converted, .context = body});
	bool ok = read_file(s, body, convert);
	seven_bit_end(&converter);
	body_end(body);
	return ok;
}

/* --- choosing ---------------------------------------------------------------------------------- */

static bool
refuse(struct session *s, struct outcome o)
{
	errand_end_rest(s->errand, &o);
	return false;
}

static bool
cannot_read(struct session *s)
{
	return refuse(s, outcome_make("4.3.0", "the queue file could not be read"));
}

/* What cannot go as it is. False: not at all, all have their outcome. */
static bool
choose_conversion(struct session *s, const struct seven_facts *facts)
{
	const char *what = facts->binary ? "binary messages" : "messages with bytes beyond ASCII (8BITMIME)";
	if (s->settings->conversion == CONVERSION_RETURN)
		return refuse(s, outcome_make("5.6.3", "%s does not take %s, and this host converts none", s->server, what));
	if (s->settings->conversion == CONVERSION_AS_IT_IS)
		return !facts->binary || refuse(s, outcome_make("5.6.1", "%s does not take %s", s->server, what));
	if (facts->header && !s->offers.eight_bit)
		return refuse(s, outcome_make(s->errand->utf8 ? "5.6.9" : "5.6.3",
		    "%s does not take bytes beyond ASCII, and in a header they cannot be converted", s->server));
	if (facts->obstacle != NULL)
		return refuse(s, outcome_make("5.6.3", "%s does not take %s, and this one cannot be converted: %s", s->server, what,
		    facts->obstacle));
	s->form = FORM_SEVEN;
	return true;
}

/* The server takes less than the message may hold: what does it hold? */
static bool
choose_by_looking(struct session *s)
{
	seven_bit_look(&converter, s->errand->binary);
	if (!read_file(s, NULL, convert))
		return cannot_read(s);
	seven_bit_end(&converter);
	const struct seven_facts *facts = &converter.facts;
	if (!facts->binary && (!facts->eight || s->offers.eight_bit))
		return true;
	return choose_conversion(s, facts);
}

static bool
choose_form(struct session *s)
{
	const struct errand *e = s->errand;
	s->form = FORM_TEXT;
	if (!e->binary && s->offers.eight_bit)
		return true;
	if (e->binary && s->offers.binary && s->offers.chunking) {
		s->form = FORM_BINARY;
		return true;
	}
	return choose_by_looking(s);
}

/* BDAT needs the length to the byte. */
static bool
count_message(struct session *s)
{
	struct body body = {.kind = s->form == FORM_BINARY ? BODY_BYTES : BODY_LINES};
	if (!session_write_message(s, &body))
		return cannot_read(s);
	s->length = body.count;
	return true;
}

static bool
choose_way(struct session *s)
{
	const struct offers *o = &s->offers;
	bool small = s->errand->length <= EAGER_MOST;
	s->length = s->errand->length;
	s->eager = o->chunking && o->pipelining && small && (s->settings->chunking || s->form == FORM_BINARY);
	s->chunk = s->eager || s->form == FORM_BINARY;
	bool counts = s->form == FORM_SEVEN || (s->eager && s->form == FORM_TEXT);
	return !counts || count_message(s);
}

bool
session_is_hopeless(struct session *s)
{
	const struct offers *offers = &s->offers;
	if (session_needs_utf8(s) && !offers->utf8)
		return !refuse(s, outcome_make("5.6.7", "%s does not take addresses and headers in UTF-8", s->server));
	if (!choose_form(s) || !choose_way(s))
		return true;
	if (offers->size_most > 0 && s->length > offers->size_most)
		return !refuse(s, outcome_make("5.3.4", "%s takes at most %llu bytes", s->server, (unsigned long long)offers->size_most));
	return false;
}
