/* A policy server's whole answer, and an action by itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/filter/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy p;

/* What goes to the client, the log or the message is printable; a field that is put in front of a message is one. */
static void
check(enum policy_word word, const struct policy_action *a)
{
	if (word == POLICY_REFUSE || word == POLICY_DEFER_IF_PERMIT || word == POLICY_DEFER_IF_REJECT) {
		if (a->answer.code < 400 || a->answer.code > 599 || a->answer.status[0] != (char)('0' + a->answer.code / 100))
			abort();
		for (const char *c = a->answer.text; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				abort();
		return;
	}
	for (const char *c = a->text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort();
	if (word == POLICY_PREPEND && (a->text[0] == ':' || strchr(a->text, ':') == NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_action a;
	int fds[2];
	check(policy_parse(&a, slice_make((const char *)data, size)), &a);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 0;
	if (send(fds[0], data, size, MSG_DONTWAIT) == (ssize_t)size && shutdown(fds[0], SHUT_WR) == 0) {
		policy_begin(&p, fds[1], 50);
		policy_add(&p, "sender", slice_make((const char *)data, size));
		enum policy_word word = policy_ask(&p, &a);
		if ((word == POLICY_BROKEN) != (p.trouble != NULL))
			abort();
		if (word != POLICY_BROKEN)
			check(word, &a);
	}
	close(fds[0]);
	close(fds[1]);
	return 0;
}
