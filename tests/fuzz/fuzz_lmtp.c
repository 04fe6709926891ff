/* sources: deliver/lmtp_session.c deliver/lmtp_commands.c deliver/lmtp_data.c deliver/lmtp_bdat.c deliver/lmtp_text.c */
/*
 * A client's whole side of an LMTP conversation. authd and the deliver worker
 * are stood in for by functions of their names here, which check what lmtpd
 * would have told them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lmtp_session s;

static struct lmtp_config config = {
	.hostname = "mx.example.org", .directory = "/", .message_size = 70000, .recipients_limit = 100, .timeout = 5,
};

static void
check_address(struct slice address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.data[i] < ' ' || address.data[i] == 0x7f)
			abort();
}

struct outcome
lmtp_ask_recipient(struct lmtp_session *session, struct slice address)
{
	(void)session;
	check_address(address);
	if (address.len == 0)
		abort();
	return address.data[0] == 'n' ? outcome_make("5.1.1", "User unknown") : outcome_make("2.1.5", "Ok");
}

static size_t under_way;

/* Promise 4: no bare CR or LF comes in. */
void
lmtp_deliver(struct lmtp_session *session, const char *address, uint64_t size)
{
	static char text[1 << 17];
	check_address(slice_of(address));
	check_address(str_slice(&session->sender));
	if (size > session->config->message_size || !file_read_at(session->services.spool, text, size, 0))
		abort();
	for (size_t i = 0; i < size; i++) {
		bool cr = text[i] == '\r', lf = text[i] == '\n';
		if ((cr && text[i + 1] != '\n') || (lf && (i == 0 || text[i - 1] != '\r')))
			abort();
	}
	if (++under_way > LMTP_AHEAD)
		abort();
}

struct outcome
lmtp_delivered(struct lmtp_session *session)
{
	(void)session;
	if (under_way-- == 0)
		abort();
	return outcome_done();
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int spool = -1;
	if (spool < 0)
		spool = memfd_create("spool", MFD_CLOEXEC);
	log_set_level(LOG_ERROR + 1);
	int fd = as_socket(data, size);
	if (fd < 0)
		return 0;
	memset(&s, 0, sizeof s);
	config.normalize = size % 2 == 1;
	lmtp_begin(&s, &config);
	s.services.spool = spool;
	s.in.fd = fd;
	s.out.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	lmtp_run(&s);
	lmtp_end(&s);
	if (under_way != 0)
		abort();
	str_free(&s.sender);
	str_free(&s.recipients);
	close(s.out.fd);
	close(fd);
	return 0;
}
