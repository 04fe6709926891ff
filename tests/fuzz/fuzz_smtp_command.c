/*
 * A client's whole side of a conversation. The other programs of the suite are
 * stood in for by functions of their names here, which check what smtpd would
 * have told them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "smtpd/intake.h"
#include "lib/mail/parameters.h"
#include "smtpd/services.h"
#include "smtpd/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct session s;

/* As the length of the input says: both ways of line ends, with BINARYMIME or without, users or strangers. */
static struct config config = {
	.mode = MODE_SMTP, .hostname = "mx.example.org", .permitted_networks = "", .timeout = 5, .message_size = 1000,
	.recipients_limit = 100, .error_limit = 20, .commands_limit = 100, .vrfy = true,
	.rules = {.helo_required = true, .helo_qualified = true, .sender_qualified = true, .recipient_qualified = true,
	    .sender_resolvable = true, .over_quota_code = 552, .over_quota_text = "full", .unresolvable_code = 550, .banner = "ESMTP",
	    .early_talker = "ignore", .line_length_limit = 2048, .data_rate = 100, .dns_timeout = 1},
};

static bool open_at_queue;

static struct str message = {.limit = 1 << 20};

/* What queued and authd are told can be put into a log line and a protocol line. */
static void
check_address(struct slice address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.data[i] < ' ' || address.data[i] == 0x7f)
			abort();
}

bool
services_hello(struct session *session)
{
	(void)session;
	return true;
}

/* What XCLIENT made of the client is told to authd. */
bool
services_client(struct session *session)
{
	check_address(slice_of(session->peer.text));
	check_address(slice_of(session->peer.name));
	check_address(slice_of(session->login_name));
	return session->peer.port % 7 != 6;
}

bool
services_rate(struct session *session, enum lease_kind kind)
{
	return session->envelope.recipient_count != 3 || kind != LEASE_RECIPIENTS;
}

enum recipient_class
services_recipient(struct session *session, struct slice address, uint64_t *size_most)
{
	(void)session;
	check_address(address);
	*size_most = address.len % 3 == 0 ? address.len : 0;
	return address.len > 0 ? (enum recipient_class)((unsigned char)address.data[0] % 7) : RECIPIENT_LATER;
}

enum sender_answer
services_sender(struct session *session, struct slice address)
{
	(void)session;
	check_address(address);
	return SENDER_ALLOWED;
}

bool
services_outgoing(struct session *session)
{
	session->envelope.hold[0] = session->envelope.recipient_count % 2 == 0 ? 'h' : '\0';
	return session->envelope.recipient_count % 5 != 4;
}

bool
services_etrn(struct session *session, struct slice domain, uint64_t *count)
{
	(void)session;
	check_address(domain);
	*count = domain.len;
	return domain.len % 4 != 0;
}

/* As many keys as recipients, and nothing in them that a line could not hold. */
static void
check_keys(const struct session *session)
{
	const struct envelope *e = &session->envelope;
	struct slice left = str_slice(&e->recipient_keys), keys;
	size_t count = 0;
	for (; left.len > 0; count++) {
		if (!slice_split(&left, '\0', &keys))
			abort();
		check_address(keys);
	}
	if (count != e->recipient_count)
		abort();
	check_address(slice_of(e->said.envid));
}

struct outcome
intake_open(struct session *session)
{
	check_address(str_slice(&session->envelope.sender));
	if (session->envelope.recipient_count == 0 || open_at_queue)
		abort();
	check_keys(session);
	open_at_queue = true;
	str_clear(&message);
	memcpy(session->envelope.queue_id, "Q1", 3);
	return outcome_done();
}

bool
intake_write(struct session *session, struct slice bytes)
{
	(void)session;
	if (!open_at_queue)
		abort();
	return str_append_slice(&message, bytes);
}

bool
intake_pause(struct session *session)
{
	(void)session;
	return open_at_queue;
}

void
intake_resume(struct session *session)
{
	(void)session;
	if (!open_at_queue)
		abort();
}

/* Promise 4: no bare CR or LF comes in, but in BINARYMIME. */
struct outcome
intake_commit(struct session *session)
{
	if (!open_at_queue)
		abort();
	open_at_queue = false;
	if (session->envelope.said.body == BODY_BINARYMIME)
		return outcome_done();
	for (size_t i = 0; i < message.len; i++) {
		bool cr = message.data[i] == '\r', lf = message.data[i] == '\n';
		if ((cr && message.data[i + 1] != '\n') || (lf && (i == 0 || message.data[i - 1] != '\r')))
			abort();
	}
	return outcome_done();
}

void
intake_abort(struct session *session)
{
	(void)session;
	if (!open_at_queue)
		abort();
	open_at_queue = false;
}

const char *
intake_protocol(const struct session *session)
{
	return session->esmtp ? "ESMTP" : "SMTP";
}

/* The bytes as a socket that then ends; -1 when they do not fit into it. */
static int
as_socket(const uint8_t *data, size_t size)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	bool sent = send(fds[0], data, size, MSG_DONTWAIT) == (ssize_t)size;
	close(fds[0]);
	if (sent)
		return fds[1];
	close(fds[1]);
	return -1;
}

static void
prepare(int fd)
{
	struct envelope kept = s.envelope;
	memset(&s, 0, sizeof s);
	session_begin(&s, &config);
	s.envelope.sender.data = kept.sender.data;
	s.envelope.sender.room = kept.sender.room;
	s.envelope.recipients.data = kept.recipients.data;
	s.envelope.recipients.room = kept.recipients.room;
	s.envelope.recipient_keys.data = kept.recipient_keys.data;
	s.envelope.recipient_keys.room = kept.recipient_keys.room;
	s.services = SERVICES_NONE;
	memcpy(s.peer.text, "unknown", 8);
	s.may_xclient = true;
	s.in.fd = fd;
	s.out.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size), keyword, value;
	while (parameter_next(&rest, &keyword, &value) == PARAMETER_OK)
		;
	log_set_level(LOG_ERROR + 1);
	config.bare_newline = size % 2 ? BARE_NEWLINE_NORMALIZE : BARE_NEWLINE_REFUSE;
	config.binarymime = size % 3 == 0;
	open_at_queue = false;
	int fd = as_socket(data, size);
	if (fd < 0)
		return 0;
	prepare(fd);
	if (size % 5 == 0)
		memcpy(s.login_name, "anna", 5);
	session_run(&s);
	session_end(&s);
	if (open_at_queue)
		abort();
	close(s.out.fd);
	close(fd);
	return 0;
}
