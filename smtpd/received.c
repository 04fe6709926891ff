#include "smtpd/received.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/date.h"
#include "smtpd/intake.h"

/* What a client called itself, made harmless for a header: neither comment nor fold can begin in it. */
static void
append_name(struct str *into, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool plain = c > ' ' && c <= '~' && strchr("()<>\\\";,", c) == NULL;
		str_append_byte(into, plain ? c : '?');
	}
}

static void
append_from(struct str *into, const struct session *s)
{
	str_append_text(into, "from ");
	append_name(into, slice_of(s->helo[0] != '\0' ? s->helo : "unknown")); /* where HELO is not required */
	str_append_text(into, " (");
	if (s->peer.name[0] != '\0')
		str_append_format(into, "%s ", s->peer.name);
	str_append_format(into, "[%s%s])\r\n\t", s->peer.ip.len == 16 ? "IPv6:" : "", s->peer.text);
}

static void
append_tls(struct str *into, const struct session *s)
{
	if (!s->encrypted)
		return;
	str_append_text(into, "(using ");
	append_name(into, slice_of(s->tls.version));
	str_append_text(into, " with cipher ");
	append_name(into, slice_of(s->tls.cipher));
	str_append_text(into, ")\r\n\t");
}

/* As Postfix does with smtpd_sasl_authenticated_header. */
static void
append_login(struct str *into, const struct session *s)
{
	if (!s->config->authenticated_sender || !session_logged_in(s))
		return;
	str_append_text(into, "(Authenticated sender: ");
	append_name(into, slice_of(s->login_name));
	str_append_text(into, ")\r\n\t");
}

/* Only when there is one: the others are not told of each other (RFC 5321 section 7.2). */
static void
append_for(struct str *into, const struct session *s)
{
	if (s->envelope.recipient_count != 1)
		return;
	str_append_text(into, "\r\n\tfor <");
	str_append_text(into, str_text(&s->envelope.recipients));
	str_append_text(into, ">");
}

bool
received_print(struct str *into, const struct session *s, int64_t now)
{
	str_append_text(into, "Received: ");
	/* Where a user sits, and what his machine is called, is nobody else's business where that is set. */
	if (s->config->received_client || !session_logged_in(s))
		append_from(into, s);
	append_tls(into, s);
	append_login(into, s);
	str_append_format(into, "by %s (Postern) with %s id %s", s->config->hostname, intake_protocol(s),
	    s->envelope.queue_id);
	append_for(into, s);
	str_append_text(into, ";\r\n\t");
	/* In UTC: the machine's zone is in a file, and this program opens none. */
	date_print(into, (struct date){.when = now, .zone = 0});
	str_append_text(into, "\r\n");
	return !into->failed;
}

bool
received_write(struct session *s)
{
	struct str line = STR_MOST(RECEIVED_MOST);
	bool ok = received_print(&line, s, clock_unix()) && intake_write(s, str_slice(&line));
	str_free(&line);
	return ok;
}
