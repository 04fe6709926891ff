#include "lib/filter/milter.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/filter/changes.h"

#define VERSION_LEAST 2
#define VERSION_MOST  6
#define PACKET_BYTES  (1u << 20)   /* of ours: a field of the header is the largest */
#define REPLY_BYTES   (128u << 10) /* of the filter's: replbody comes in pieces of 64 KiB */
#define MACROS_BYTES  4096
#define PROGRESS_MOST 12           /* times the patience, however often the filter says that it is at work, or changes something */

/* Steps that the filter does not want, and those that it will not answer. */
enum protocol {
	NO_CONNECT = 0x01,
	NO_HELO = 0x02,
	NO_MAIL = 0x04,
	NO_RCPT = 0x08,
	NO_BODY = 0x10,
	NO_FIELDS = 0x20,
	NO_END_OF_HEADER = 0x40,
	SILENT_FIELD = 0x80,
	NO_UNKNOWN = 0x100,
	NO_DATA = 0x200,
	MAY_SKIP = 0x400,
	SILENT_CONNECT = 0x1000,
	SILENT_HELO = 0x2000,
	SILENT_MAIL = 0x4000,
	SILENT_RCPT = 0x8000,
	SILENT_DATA = 0x10000,
	SILENT_UNKNOWN = 0x20000,
	SILENT_END_OF_HEADER = 0x40000,
	SILENT_BODY = 0x80000,
	LEADING_SPACE = 0x100000,
};

/* All but SMFIP_RCPT_REJ (0x800): recipients that we refuse are not told. */
#define PROTOCOL_OFFERED 0x1ff7ffu
#define MAY_OFFERED      0x1ffu

static const char *const default_macros[MILTER_STEPS] = {
	[MILTER_CONNECT] = "j {daemon_name} {daemon_addr} v _ {client_addr} {client_name} {client_port} {client_ptr}",
	[MILTER_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
	[MILTER_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
	[MILTER_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_DATA] = "i",
	[MILTER_END] = "i",
	[MILTER_END_OF_HEADER] = "i",
};

static enum milter_word
broken(struct milter *m, const char *why)
{
	if (m->trouble == NULL)
		m->trouble = why;
	return MILTER_BROKEN;
}

/* --- packets ------------------------------------------------------------------------ */

static void
begin(struct milter *m)
{
	m->packet.limit = PACKET_BYTES;
	str_clear(&m->packet);
}

/* A text of the protocol ends in NUL, so it holds none. */
static void
put(struct milter *m, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		str_append_byte(&m->packet, text.data[i] != '\0' ? text.data[i] : '?');
	str_append_byte(&m->packet, '\0');
}

static void
put_number(struct milter *m, uint32_t number)
{
	uint32_t bytes = htonl(number);
	str_append(&m->packet, &bytes, sizeof bytes);
}

static void
send_bytes(struct milter *m, char command, struct slice data)
{
	uint32_t len = htonl((uint32_t)data.len + 1);
	if (m->trouble != NULL)
		return;
	output_write(&m->out, &len, sizeof len);
	output_write(&m->out, &command, 1);
	output_slice(&m->out, data);
	if (m->out.failed)
		broken(m, "the connection broke");
}

static void
send_packet(struct milter *m, char command)
{
	if (m->packet.failed)
		broken(m, "no room for a packet");
	send_bytes(m, command, str_slice(&m->packet));
}

/* Exactly `len` bytes behind those of m->packet. */
static bool
read_bytes(struct milter *m, size_t len, int64_t deadline)
{
	static const char *const why[] = {
	    [INPUT_END] = "it closed the connection", [INPUT_TIMEOUT] = "no answer in time", [INPUT_ERROR] = "the connection broke",
	    [INPUT_TOO_LONG] = "the connection broke"};
	while (len > 0) {
		struct slice some;
		m->in.timeout = clock_poll_timeout(deadline);
		enum input_result r = input_some(&m->in, len, &some);
		if (r != INPUT_OK) {
			broken(m, why[r]);
			return false;
		}
		if (!str_append_slice(&m->packet, some)) {
			broken(m, "no memory for its answer");
			return false;
		}
		len -= some.len;
	}
	return true;
}

/* The next packet: its byte, and its data in m->packet. False: broken. */
static bool
receive(struct milter *m, int64_t deadline, char *command, struct slice *data)
{
	uint32_t len;
	m->packet.limit = REPLY_BYTES;
	str_clear(&m->packet);
	if (!read_bytes(m, sizeof len, deadline))
		return false;
	memcpy(&len, m->packet.data, sizeof len);
	len = ntohl(len);
	if (len == 0 || len > REPLY_BYTES) {
		broken(m, "its packet has a wrong length");
		return false;
	}
	str_clear(&m->packet);
	if (!read_bytes(m, len, deadline))
		return false;
	*command = m->packet.data[0];
	*data = slice_from(str_slice(&m->packet), 1);
	return true;
}

/* --- answers -------------------------------------------------------------------------- */

static enum milter_word
refused(struct milter *m, enum milter_word word, unsigned code, const char *status, const char *text)
{
	filter_answer_set(&m->answer, code, status, slice_of(text));
	return word;
}

static enum milter_word
reply_code(struct milter *m, struct slice data)
{
	size_t nul = slice_find(data, '\0');
	if (nul != data.len - 1 || !filter_answer_parse(&m->answer, slice_first(data, nul)))
		return broken(m, "its reply code is none");
	return m->answer.code == 421 ? MILTER_CLOSE : MILTER_REFUSED;
}

/* The verdict of a packet that is no change and no sign of life. */
static enum milter_word
verdict(struct milter *m, char command, struct slice data)
{
	if (command == 'y')
		return data.len > 0 ? reply_code(m, data) : broken(m, "its reply code is none");
	if (data.len > 0)
		return broken(m, "its verdict has data");
	switch (command) {
	case 'c':
		return MILTER_CONTINUE;
	case 'a':
		return MILTER_ACCEPTED;
	case 'd':
		return MILTER_DISCARD;
	case 's':
		return m->protocol & MAY_SKIP ? MILTER_SKIP : broken(m, "it skips what was not agreed on");
	case 'r':
		return refused(m, MILTER_REFUSED, 550, "5.7.1", "Command rejected");
	case 't':
		return refused(m, MILTER_REFUSED, 451, "4.7.1", "Service unavailable - try again later");
	case '4':
		return refused(m, MILTER_CLOSE, 421, "4.7.0", "Server closing connection");
	case 'f':
		return broken(m, "it gives the connection up");
	}
	return broken(m, "its answer is not of the protocol");
}

/* It is alive: there is patience again, within bounds. */
static bool
lives(struct milter *m, int64_t begun, int patience, int64_t *deadline)
{
	*deadline = clock_ms() + patience;
	if (*deadline <= begun + (int64_t)patience * PROGRESS_MOST)
		return true;
	broken(m, "it is at work without an end");
	return false;
}

/* Waits for the verdict; changes go to `change` (NULL: there may be none). */
static enum milter_word
await(struct milter *m, int patience, milter_change *change, void *context)
{
	int64_t begun = clock_ms(), deadline = begun + patience;
	if (m->trouble == NULL && !output_flush(&m->out))
		return broken(m, "the connection broke");
	while (m->trouble == NULL) {
		char command;
		struct slice data;
		if (!receive(m, deadline, &command, &data))
			break;
		if (command == 'p') {
			lives(m, begun, patience, &deadline);
			continue;
		}
		uint32_t needs = change != NULL ? change_needs(command) : 0;
		if (needs == 0)
			return verdict(m, command, data);
		if (!(needs & m->may))
			return broken(m, "it changes what was not agreed on");
		if (!change(context, command, data))
			return broken(m, "its change is not right");
		lives(m, begun, patience, &deadline);
	}
	return MILTER_BROKEN;
}

/* --- the start --------------------------------------------------------------------------- */

static uint32_t
number_at(struct slice data, size_t at)
{
	uint32_t bytes;
	memcpy(&bytes, data.data + at, sizeof bytes);
	return ntohl(bytes);
}

/* Behind the options: a step's number, and the names of macros for it with a NUL behind them; again. */
static bool
read_lists(struct milter *m, struct slice data)
{
	while (data.len > 0) {
		size_t nul = data.len > 4 ? slice_find(slice_from(data, 4), '\0') : data.len;
		uint32_t step = data.len > 4 ? number_at(data, 0) : MILTER_STEPS;
		if (step >= MILTER_STEPS || nul >= data.len - 4)
			return false;
		m->macros[step].limit = MACROS_BYTES;
		m->listed[step] = true;
		if (!str_set(&m->macros[step], slice_make(data.data + 4, nul)))
			return false;
		data = slice_from(data, 4 + nul + 1);
	}
	return true;
}

static bool
read_options(struct milter *m, struct slice data)
{
	if (data.len < 12) {
		broken(m, "its options are cut off");
		return false;
	}
	m->version = number_at(data, 0);
	m->may = number_at(data, 4);
	m->protocol = number_at(data, 8);
	if (m->version < VERSION_LEAST || m->version > VERSION_MOST)
		broken(m, "its version is not known here");
	else if ((m->may & ~MAY_OFFERED) != 0 || (m->protocol & ~PROTOCOL_OFFERED) != 0)
		broken(m, "it wants more than was offered");
	else if (!read_lists(m, slice_from(data, 12)))
		broken(m, "its lists of macros are not right");
	if (m->version < 3)
		m->protocol |= NO_UNKNOWN;
	if (m->version < 4)
		m->protocol |= NO_DATA;
	return m->trouble == NULL;
}

bool
milter_begin(struct milter *m, int fd)
{
	char command;
	struct slice data;
	input_open(&m->in, fd, m->command_ms);
	output_open(&m->out, fd, m->command_ms);
	begin(m);
	put_number(m, VERSION_MOST);
	put_number(m, MAY_OFFERED);
	put_number(m, PROTOCOL_OFFERED);
	send_packet(m, 'O');
	if (m->trouble == NULL && !output_flush(&m->out))
		broken(m, "the connection broke");
	if (m->trouble != NULL || !receive(m, clock_ms() + m->command_ms, &command, &data))
		return false;
	if (command != 'O') {
		broken(m, "it answers options with something else");
		return false;
	}
	return read_options(m, data);
}

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
	put(m, name);
	put(m, value);
}

/* The macros of a step go before it, in a packet that names its command. */
static void
send_macros(struct milter *m, enum milter_step step, char command)
{
	struct slice names = m->listed[step] ? str_slice(&m->macros[step]) : slice_of(default_macros[step]);
	begin(m);
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
		send_packet(m, 'D');
}

/* Sends what is in m->packet, and waits for the answer if there will be one. */
static enum milter_word
tell(struct milter *m, char command, uint32_t silent, int patience)
{
	send_packet(m, command);
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	return m->protocol & silent ? MILTER_CONTINUE : await(m, patience, NULL, NULL);
}

/* True: the step is to be told, and its macros were sent. */
static bool
wanted(struct milter *m, uint32_t unwanted, enum milter_step step, char command)
{
	if (m->trouble != NULL || (m->protocol & unwanted))
		return false;
	send_macros(m, step, command);
	begin(m);
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
	put(m, name);
	if (address.len == 0) {
		str_append_byte(&m->packet, 'U');
	} else {
		str_append_byte(&m->packet, slice_has(address, ':') ? '6' : '4');
		str_append(&m->packet, &bytes, sizeof bytes);
		put(m, address);
	}
	return tell(m, 'C', SILENT_CONNECT, m->command_ms);
}

enum milter_word
milter_helo(struct milter *m, struct slice name)
{
	if (!wanted(m, NO_HELO, MILTER_HELO, 'H'))
		return passed_over(m);
	put(m, name);
	return tell(m, 'H', SILENT_HELO, m->command_ms);
}

static void
put_path(struct milter *m, struct slice path, struct slice parameters)
{
	struct slice one;
	put(m, path);
	while (slice_split(&parameters, ' ', &one))
		if (one.len > 0)
			put(m, one);
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
	begin(m);
	put(m, line);
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
	begin(m);
	put(m, name);
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
	send_bytes(m, 'B', bytes);
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	return m->protocol & SILENT_BODY ? MILTER_CONTINUE : await(m, m->content_ms, NULL, NULL);
}

enum milter_word
milter_end(struct milter *m, milter_change *change, void *context)
{
	if (m->trouble != NULL)
		return MILTER_BROKEN;
	send_macros(m, MILTER_END, 'E');
	begin(m);
	send_packet(m, 'E');
	return await(m, m->content_ms, change, context);
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
	begin(m);
	send_packet(m, 'A');
	if (m->trouble == NULL && !output_flush(&m->out))
		broken(m, "the connection broke");
}

bool
milter_next_client(struct milter *m)
{
	if (m->version < 6)
		return false;
	begin(m);
	send_packet(m, 'K');
	return m->trouble == NULL;
}

void
milter_quit(struct milter *m)
{
	/* The options were never agreed on: there are no streams yet. */
	if (m->version == 0)
		return;
	begin(m);
	send_packet(m, 'Q');
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
