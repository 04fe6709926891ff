#include "lib/filter/milter.h"

#include <arpa/inet.h>

#include "lib/filter/milter_parts.h"

static const char *const default_macros[MILTER_STEPS] = {
	[MILTER_CONNECT] = "j {daemon_name} {daemon_addr} v _ {client_addr} {client_name} {client_port} {client_ptr}",
	[MILTER_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
	[MILTER_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
	[MILTER_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_DATA] = "i",
	[MILTER_END] = "i",
	[MILTER_END_OF_HEADER] = "i",
};

/* --- the steps ------------------------------------------------------------------------------ */

static bool
is_separator(char c)
{
	return c == ' ' || c == ',' || c == '\t';
}

static void
put_macro(struct milter *m, struct slice name)
{
	struct slice value = m->macro(m->context, name);
	if (value.len == 0)
		return;
	milter_put(m, name);
	milter_put(m, value);
}

/* The macros of a step go before it, in a packet that names its command. */
static void
send_macros(struct milter *m, enum milter_step step, char command)
{
	struct slice names = m->listed[step] ? str_slice(&m->macros[step]) : slice_of(default_macros[step]);
	milter_packet(m);
	str_append_byte(&m->packet, command);
	while (names.len > 0) {
		size_t len = 0;
		while (len < names.len && !is_separator(names.data[len]))
			len++;
		if (len > 0)
			put_macro(m, slice_first(names, len));
		names = slice_from(names, len + 1);
	}
	if (m->packet.len > 1)
		milter_send(m, 'D');
}

/* Sends what is in m->packet, and waits for the answer if there will be one. */
static enum milter_word
tell(struct milter *m, char command, uint32_t silent, int patience)
{
	milter_send(m, command);
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	return m->protocol & silent ? MILTER_CONTINUE : milter_await(m, patience, NULL, NULL);
}

/* True: the step is to be told, and its macros were sent. */
static bool
wanted(struct milter *m, uint32_t unwanted, enum milter_step step, char command)
{
	if (m->trouble != NULL || (m->protocol & unwanted))
		return false;
	send_macros(m, step, command);
	milter_packet(m);
	return true;
}

static enum milter_word
passed_over(const struct milter *m)
{
	return m->trouble != NULL ? MILTER_BROKEN : MILTER_CONTINUE;
}

enum milter_word
milter_connect(struct milter *m, struct slice name, struct slice address, uint16_t port)
{
	uint16_t bytes = htons(port);
	if (!wanted(m, NO_CONNECT, MILTER_CONNECT, 'C'))
		return passed_over(m);
	milter_put(m, name);
	if (address.len == 0) {
		str_append_byte(&m->packet, 'U');
	} else {
		str_append_byte(&m->packet, slice_has(address, ':') ? '6' : '4');
		str_append(&m->packet, &bytes, sizeof bytes);
		milter_put(m, address);
	}
	return tell(m, 'C', SILENT_CONNECT, m->command_ms);
}

enum milter_word
milter_helo(struct milter *m, struct slice name)
{
	if (!wanted(m, NO_HELO, MILTER_HELO, 'H'))
		return passed_over(m);
	milter_put(m, name);
	return tell(m, 'H', SILENT_HELO, m->command_ms);
}

static void
put_path(struct milter *m, struct slice path, struct slice parameters)
{
	struct slice one;
	milter_put(m, path);
	while (slice_split(&parameters, ' ', &one))
		if (one.len > 0)
			milter_put(m, one);
}

enum milter_word
milter_mail(struct milter *m, struct slice path, struct slice parameters)
{
	if (!wanted(m, NO_MAIL, MILTER_MAIL, 'M'))
		return passed_over(m);
	put_path(m, path, parameters);
	return tell(m, 'M', SILENT_MAIL, m->command_ms);
}

enum milter_word
milter_rcpt(struct milter *m, struct slice path, struct slice parameters)
{
	if (!wanted(m, NO_RCPT, MILTER_RCPT, 'R'))
		return passed_over(m);
	put_path(m, path, parameters);
	return tell(m, 'R', SILENT_RCPT, m->command_ms);
}

enum milter_word
milter_data(struct milter *m)
{
	if (!wanted(m, NO_DATA, MILTER_DATA, 'T'))
		return passed_over(m);
	return tell(m, 'T', SILENT_DATA, m->command_ms);
}

enum milter_word
milter_unknown(struct milter *m, struct slice line)
{
	if (m->trouble != NULL || (m->protocol & NO_UNKNOWN))
		return passed_over(m);
	milter_packet(m);
	milter_put(m, line);
	return tell(m, 'U', SILENT_UNKNOWN, m->command_ms);
}

/* Folded lines with LF between them; without the space behind the colon, unless the filter wants it. */
static void
put_value(struct milter *m, struct slice value)
{
	if (!(m->protocol & LEADING_SPACE) && slice_starts(value, " "))
		value = slice_from(value, 1);
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] == '\r' && i + 1 < value.len && value.data[i + 1] == '\n')
			continue;
		str_append_byte(&m->packet, value.data[i] != '\0' ? value.data[i] : '?');
	}
	str_append_byte(&m->packet, '\0');
}

enum milter_word
milter_field(struct milter *m, struct slice name, struct slice value)
{
	if (m->trouble != NULL || (m->protocol & NO_FIELDS))
		return passed_over(m);
	milter_packet(m);
	milter_put(m, name);
	put_value(m, value);
	return tell(m, 'L', SILENT_FIELD, m->content_ms);
}

enum milter_word
milter_end_of_header(struct milter *m)
{
	if (!wanted(m, NO_END_OF_HEADER, MILTER_END_OF_HEADER, 'N'))
		return passed_over(m);
	return tell(m, 'N', SILENT_END_OF_HEADER, m->content_ms);
}

enum milter_word
milter_body(struct milter *m, struct slice bytes)
{
	if (m->trouble != NULL || (m->protocol & NO_BODY))
		return m->trouble != NULL ? MILTER_BROKEN : MILTER_SKIP;
	milter_send_bytes(m, 'B', bytes);
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	return m->protocol & SILENT_BODY ? MILTER_CONTINUE : milter_await(m, m->content_ms, NULL, NULL);
}

enum milter_word
milter_end(struct milter *m, milter_change *change, void *context)
{
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	send_macros(m, MILTER_END, 'E');
	milter_packet(m);
	milter_send(m, 'E');
	return milter_await(m, m->content_ms, change, context);
}

bool
milter_leads(const struct milter *m)
{
	return (m->protocol & LEADING_SPACE) != 0;
}

/* --- ends --------------------------------------------------------------------------------------- */

void
milter_abort(struct milter *m)
{
	milter_packet(m);
	milter_send(m, 'A');
	if (m->trouble == NULL && !output_flush(&m->out))
		milter_broken(m, "the connection broke");
}

bool
milter_next_client(struct milter *m)
{
	if (m->version < 6)
		return false;
	milter_packet(m);
	milter_send(m, 'K');
	return m->trouble == NULL;
}

void
milter_quit(struct milter *m)
{
	/* The options were never agreed on: there are no streams yet. */
	if (m->version == 0)
		return;
	milter_packet(m);
	milter_send(m, 'Q');
	if (m->trouble == NULL)
		output_flush(&m->out);
}

void
milter_free(struct milter *m)
{
	for (int i = 0; i < MILTER_STEPS; i++)
		str_free(&m->macros[i]);
	str_free(&m->packet);
}
