#include "imapd/progress.h"

#include "lib/base/clock.h"

struct progress
progress_begin(uint64_t goal)
{
	return (struct progress){.goal = goal, .next = clock_ms() + PROGRESS_EVERY};
}

/* A tag holds nothing that would have to be quoted within quotation marks (RFC 3501 section 9); one with "]" is not told (RFC 9585 section 4). */
static void
write_tag(struct output *out, struct slice tag)
{
	if (slice_has(tag, ']')) {
		output_text(out, "NIL");
		return;
	}
	output_text(out, "\"");
	output_slice(out, tag);
	output_text(out, "\"");
}

void
progress_at(struct progress *p, struct session *s, uint64_t done)
{
	int64_t now = clock_ms_about();
	if (now < p->next || done >= p->goal)
		return;
	p->next = now + PROGRESS_EVERY;
	output_text(&s->out, "* OK [INPROGRESS (");
	write_tag(&s->out, s->tag);
	output_format(&s->out, " %llu %llu)] still at work\r\n", (unsigned long long)done, (unsigned long long)p->goal);
	output_flush(&s->out);
}
