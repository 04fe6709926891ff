/* sources: queue/remote_smtp.c queue/remote_envelope.c queue/remote_message.c queue/remote_form.c queue/remote_body.c queue/remote_reply.c queue/remote_errand.c */
/*
 * A whole session with a server that says anything: every recipient has one
 * outcome in the end, or can be tried elsewhere; two errands share nothing;
 * what is sent has no bare CR or LF outside of binary chunks.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue/remote_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

bool
session_begin_tls(struct session *s)
{
	(void)s;
	return false;
}

bool
session_starttls(struct session *s)
{
	(void)s;
	return true;
}

bool
session_login(struct session *s)
{
	(void)s;
	return true;
}

static const char message[] = "Subject: x\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ngr\xc3\xbcn\r.\n.\r\n--b--\r\n..\rend";

static void
check_text(int fd, bool binary)
{
	static char bytes[1 << 20];
	size_t len = 0;
	ssize_t n;
	while (len < sizeof bytes && (n = recv(fd, bytes + len, sizeof bytes - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	for (size_t i = 0; i < len && !binary; i++) {
		assert(bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r'));
		assert(bytes[i] != '\r' || i + 1 == len || bytes[i + 1] == '\n');
	}
}

static void
check_errand(const struct errand *e, bool done)
{
	assert(done == errand_is_over(e) || !done);
	for (size_t i = 0; i < e->count; i++) {
		enum errand_state state = e->recipients[i].state;
		assert(state == ERRAND_ENDED || (!done && state == ERRAND_DUE));
		assert(state != ERRAND_ENDED || strchr("245", e->outcomes[i].code[0]) != NULL);
	}
}

static void
fill(struct errand *e, int file, unsigned flags)
{
	memset(e, 0, sizeof *e);
	e->id = "id";
	e->sender = slice_of("a@b");
	e->binary = flags & 1;
	e->eight_bit = flags & 2;
	e->file = file;
	e->length = sizeof message - 1;
	e->count = 1 + (flags >> 5);
	for (size_t i = 0; i < e->count; i++)
		e->recipients[i].address = slice_of("c@d");
}

static void
run(int fd, int file, unsigned flags)
{
	static struct session s;
	static struct errand e;
	static struct tls_plan plan;
	struct outcome trouble;
	struct route route = {.lmtp = flags & 4};
	struct smtp_settings settings = {.hostname = "a.test", .chunking = flags & 8, .conversion = CONVERSION_CONVERT};
	for (size_t i = 0; i < STEP_COUNT; i++)
		settings.times[i] = 1000;
	fill(&e, file, flags);
	bool open = session_open(&s, fd, "server", &settings, &route, &plan, &e, &trouble);
	bool done = open && session_carry(&s, &e, &trouble);
	check_errand(&e, done);
	if (done && session_is_usable(&s)) {
		fill(&e, file, flags ^ 1);
		check_errand(&e, session_carry(&s, &e, &trouble));
	}
	session_end(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	int pair[2];
	if (size < 1)
		return 0;
	if (file < 0) {
		file = memfd_create("message", 0);
		assert(write(file, message, sizeof message - 1) == sizeof message - 1);
	}
	assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	assert(send(pair[1], data + 1, size - 1, MSG_NOSIGNAL) == (ssize_t)(size - 1));
	shutdown(pair[1], SHUT_WR);
	run(pair[0], file, data[0]);
	check_text(pair[1], data[0] & 8 || data[0] & 1);
	close(pair[1]);
	return 0;
}
