#include "smtpd/intake.h"

#include <stdio.h>
#include <string.h>

#include "lib/front/neighbour.h"

#define DATA_MOST (60 * 1024) /* bytes of one packet: what a socket's buffer holds three times */

const char *
intake_protocol(const struct session *s)
{
	static const char *const words[2][4] = {{"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"},
	    {"UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"}};
	if (!s->esmtp)
		return "SMTP";
	return words[s->envelope.said.smtputf8][(s->encrypted ? 2 : 0) + (session_logged_in(s) ? 1 : 0)];
}

static struct outcome
gone(void)
{
	return outcome_make("4.3.2", "The queue is not available now");
}

static bool
send_packet(struct session *s)
{
	return neighbour_send(&s->services.queue, &s->packet, session_queue_patience(s));
}

static void
begin(struct session *s, const char *verb)
{
	neighbour_begin(&s->services.queue, &s->packet, verb);
}

static void
add_fact(struct session *s, const char *key, const char *value)
{
	char fact[1024];
	int len = snprintf(fact, sizeof fact, "%s=%s", key, value);
	if (value[0] != '\0' && len > 0 && (size_t)len < sizeof fact)
		packet_add_text(&s->packet, fact);
}

/* What MAIL's parameters said, as keys. */
static void
add_parameters(struct session *s, const struct mail_parameters *said)
{
	static const char *const bodies[] = {
	    [BODY_7BIT] = "", [BODY_8BITMIME] = "8BITMIME", [BODY_BINARYMIME] = "BINARYMIME"};
	char size[24] = "";
	if (said->size > 0)
		snprintf(size, sizeof size, "%llu", (unsigned long long)said->size);
	add_fact(s, "body", bodies[said->body]);
	add_fact(s, "size", size);
	add_fact(s, "smtputf8", said->smtputf8 ? "1" : "");
	add_fact(s, "requiretls", said->requiretls ? "1" : "");
	add_fact(s, "ret", said->ret);
	add_fact(s, "envid", said->envid);
}

static void
send_sender(struct session *s)
{
	begin(s, "mail");
	packet_add(&s->packet, str_slice(&s->envelope.sender));
	add_fact(s, "session", s->id);
	add_fact(s, "client", s->peer.text);
	add_fact(s, "helo", s->helo);
	add_fact(s, "protocol", intake_protocol(s));
	add_fact(s, "login", s->login_name);
	add_parameters(s, &s->envelope.said);
	add_fact(s, "hold", s->envelope.hold);
	add_fact(s, "hold-notice", s->envelope.hold_notice ? s->login_name : "");
	send_packet(s);
}

static void
send_recipients(struct session *s)
{
	struct slice left = str_slice(&s->envelope.recipients), left_keys = str_slice(&s->envelope.recipient_keys);
	struct slice one, keys, key;
	while (s->services.queue.socket >= 0 && slice_split(&left, '\0', &one) && slice_split(&left_keys, '\0', &keys)) {
		begin(s, "rcpt");
		packet_add(&s->packet, one);
		while (slice_split(&keys, ' ', &key))
			packet_add(&s->packet, key);
		send_packet(s);
	}
}

/* The outcome that an answer tells: "later T CODE TEXT" or "no T CODE TEXT". The status word decides the class. */
static struct outcome
told(struct session *s, const char *status)
{
	bool later = strcmp(status, "later") == 0;
	const char *code = packet_field(&s->packet);
	const char *text = packet_field(&s->packet);
	if (!later && strcmp(status, "no") != 0)
		return outcome_make("4.3.0", "The queue gave no clear answer");
	if (text == NULL || code[0] != (later ? '4' : '5') || strlen(code) >= sizeof((struct outcome *)0)->code)
		return outcome_make(later ? "4.3.0" : "5.3.0", "The queue did not take the message");
	return outcome_make(code, "%s", text);
}

/* Asks and takes the queue id out of the answer. */
static struct outcome
ask(struct session *s, const char *verb)
{
	begin(s, verb);
	const char *status = neighbour_ask(&s->services.queue, &s->packet, session_queue_patience(s));
	if (status == NULL)
		return gone();
	if (strcmp(status, "ok") != 0)
		return told(s, status);
	const char *id = packet_field(&s->packet);
	struct envelope *e = &s->envelope;
	if (id == NULL || id[0] == '\0' || strlen(id) >= sizeof e->queue_id)
		return outcome_make("4.3.0", "The queue gave no clear answer");
	snprintf(e->queue_id, sizeof e->queue_id, "%s", id);
	return outcome_done();
}

struct outcome
intake_open(struct session *s)
{
	send_sender(s);
	send_recipients(s);
	struct outcome o = ask(s, "open");
	packet_begin(&s->packet, "data");
	return o;
}

bool
intake_write(struct session *s, struct slice bytes)
{
	while (bytes.len > 0) {
		struct slice part = slice_first(bytes, DATA_MOST - s->packet.len);
		packet_add_rest(&s->packet, part);
		bytes = slice_from(bytes, part.len);
		if (s->packet.len < DATA_MOST)
			continue;
		if (!send_packet(s))
			return false;
		packet_begin(&s->packet, "data");
	}
	return true;
}

bool
intake_pause(struct session *s)
{
	return s->packet.len <= sizeof "data" || send_packet(s);
}

void
intake_resume(struct session *s)
{
	packet_begin(&s->packet, "data");
}

struct outcome
intake_commit(struct session *s)
{
	if (!intake_pause(s))
		return gone();
	return ask(s, "commit");
}

void
intake_abort(struct session *s)
{
	begin(s, "abort");
	send_packet(s);
}
