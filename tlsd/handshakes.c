#include "tlsd/handshakes.h"

#include <signal.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

uint64_t handshakes_most;

static struct service *service;
static uint64_t        under_way;
static uint64_t        killed; /* whose end was not seen yet */
static struct timer    relief;

static void
closed(struct connection *c)
{
	under_way -= ((struct handshake *)c)->child != 0;
}

static bool
is_under_way(const struct connection *c)
{
	return !c->closing && ((const struct handshake *)c)->child != 0;
}

/* The service has the newest first. */
static struct handshake *
oldest(void)
{
	struct connection *found = NULL;
	for (struct connection *c = service->first; c != NULL; c = c->next)
		if (is_under_way(c) && (found == NULL || ((struct handshake *)c)->begun <= ((struct handshake *)found)->begun))
			found = c;
	return (struct handshake *)found;
}

/* Its front hears that the conversation ended. */
static void
end_handshake(struct handshake *h)
{
	log_warning("handshake-gave-way", log_number("pid", h->child), log_number("ms", clock_ms() - h->begun),
	    log_number("unfinished", (int64_t)under_way), log_text("hint", "the setting tls_handshakes"));
	if (kill(h->child, SIGKILL) == 0)
		killed++;
	under_way--;
	h->child = 0;
	connection_close(&h->connection);
}

static void
relieve(struct timer *t)
{
	struct handshake *h;
	(void)t;
	while (under_way > handshakes_most && (h = oldest()) != NULL) {
		int64_t left = h->begun + HANDSHAKE_GRACE - clock_ms();
		if (left > 0) {
			timer_set(&relief, left);
			return;
		}
		end_handshake(h);
	}
}

void
handshakes_prepare(struct service *s)
{
	service = s;
	relief.fire = relieve;
	s->connection_size = sizeof(struct handshake);
	s->closed = closed;
}

bool
handshakes_has(const struct connection *front)
{
	return ((const struct handshake *)front)->child != 0;
}

void
handshakes_add(struct connection *front, pid_t child)
{
	struct handshake *h = (struct handshake *)front;
	h->child = child;
	h->begun = clock_ms();
	under_way++;
	relieve(&relief);
}

bool
handshakes_ended(pid_t child, int status)
{
	for (struct connection *c = service->first; c != NULL; c = c->next)
		if (((struct handshake *)c)->child == child)
			connection_close(c);
	bool ours = killed > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	killed -= ours;
	return ours;
}
