#include "lib/ipc/submit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipc/socket.h"

#define CONNECT_PATIENCE 5000   /* ms */
#define SEND_PATIENCE    60000
#define ANSWER_PATIENCE  180000 /* a disk may be slow */
#define PIECE            32768

void
submit_begin(struct submission *s)
{
	s->id[0] = '\0';
	s->trouble = outcome_done();
	s->fd = socket_connect("queue/submit", CONNECT_PATIENCE);
	if (s->fd < 0)
		s->trouble = outcome_make("4.3.0", "the queue cannot be reached: %s", strerror(errno));
}

static void
send_it(struct submission *s)
{
	if (!outcome_is_done(&s->trouble))
		return;
	enum packet_result r = packet_send_wait(s->fd, &s->packet, SEND_PATIENCE);
	if (r == PACKET_BAD)
		s->trouble = outcome_make("5.6.0", "an address is too long");
	else if (r != PACKET_OK)
		s->trouble = outcome_make("4.3.0", "the queue was lost");
}

/* Waits for an answer. "ok" leaves the queue id. */
static void
receive(struct submission *s)
{
	if (!outcome_is_done(&s->trouble))
		return;
	if (packet_receive_wait(s->fd, &s->packet, ANSWER_PATIENCE) != PACKET_OK) {
		s->trouble = outcome_make("4.3.0", "the queue gave no answer");
		return;
	}
	packet_close_descriptors(&s->packet);
	const char *status = packet_verb(&s->packet);
	const char *tag = packet_field(&s->packet);
	const char *first = tag != NULL ? packet_field(&s->packet) : NULL;
	if (first != NULL && strcmp(status, "ok") == 0) {
		snprintf(s->id, sizeof s->id, "%s", first);
		return;
	}
	const char *text = first != NULL ? packet_field(&s->packet) : NULL;
	bool clear = text != NULL && (first[0] == '4' || first[0] == '5');
	s->trouble = outcome_make(clear ? first : "4.3.0", "%s", clear ? text : "the queue gave no clear answer");
}

static void
begin(struct submission *s, const char *verb)
{
	packet_begin(&s->packet, verb);
	packet_add_text(&s->packet, "1");
}

void
submit_mail(struct submission *s, struct slice sender, const char *const *keys)
{
	begin(s, "mail");
	packet_add(&s->packet, sender);
	for (; *keys != NULL; keys++)
		packet_add_text(&s->packet, *keys);
	send_it(s);
}

void
submit_rcpt_with(struct submission *s, struct slice address, const char *const *keys)
{
	begin(s, "rcpt");
	packet_add(&s->packet, address);
	for (; *keys != NULL; keys++)
		packet_add_text(&s->packet, *keys);
	send_it(s);
}

void
submit_rcpt(struct submission *s, struct slice address)
{
	submit_rcpt_with(s, address, (const char *const[]){NULL});
}

void
submit_open(struct submission *s)
{
	begin(s, "open");
	send_it(s);
	receive(s);
}

void
submit_data(struct submission *s, struct slice bytes)
{
	while (bytes.len > 0 && outcome_is_done(&s->trouble)) {
		struct slice piece = slice_first(bytes, PIECE);
		packet_begin(&s->packet, "data");
		packet_add_rest(&s->packet, piece);
		send_it(s);
		bytes = slice_from(bytes, piece.len);
	}
}

struct outcome
submit_commit(struct submission *s)
{
	begin(s, "commit");
	send_it(s);
	receive(s);
	return s->trouble;
}

void
submit_end(struct submission *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
