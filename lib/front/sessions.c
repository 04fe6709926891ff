#include "lib/front/sessions.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"

#define OLD_KERNEL_MOST 4096 /* descriptors closed one by one where close_range(2) is not there (before Linux 5.9) */

#define PATIENCE_AUTHD  10000 /* ms */
#define WORDS_AT_ONCE   64

static struct sessions *running;

const char session_memory_hint[] = "folders this large need more: raise the setting session_memory (256 bytes a message and 64M), or move mail into other folders";

/* --- beginning --------------------------------------------------------------------- */

static void
close_between(int first, int last)
{
	if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0U) == 0)
		return;
	for (int fd = first; fd <= last && fd < OLD_KERNEL_MOST; fd++)
		close(fd);
}

static int
compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The listening socket, the loop and other fronts are none of a session's business. */
static _Noreturn void
become_session(const struct handover *h)
{
	int kept[] = {h->client, running->root, running->tally.writing}, next = 3;
	qsort(kept, sizeof kept / sizeof *kept, sizeof *kept, compare_numbers);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		close_between(next, kept[i] - 1);
		next = kept[i] + 1;
	}
	close_between(next, ~0U >> 1);
	running->serve(h, running->root);
	_exit(EXIT_DONE);
}

/* NULL, or why there is no session (logged). */
static const char *
start_session(const struct handover *h)
{
	size_t place = 0;
	while (place < running->most && running->children[place].pid != 0)
		place++;
	if (place == running->most) {
		log_warning("sessions-full", log_number("sessions", (int64_t)running->count),
		    log_text("setting", running->most_setting), log_text("hint", "raise that setting"));
		return "there are too many sessions";
	}
	pid_t child = fork();
	if (child == 0)
		become_session(h);
	if (child < 0) {
		log_error("fork-failed", log_errno());
		return "no process can be made";
	}
	running->children[place] = (struct session_child){.pid = child};
	running->count++;
	return NULL;
}

static bool
request(struct connection *c, struct packet *p)
{
	static struct packet answer;
	struct handover h;
	if (!handover_read(p, &h))
		return false;
	const char *why = running->ending ? "the server is going down" : start_session(&h);
	close(h.client);
	packet_begin(&answer, why == NULL ? "ok" : "later");
	packet_add_text(&answer, h.id);
	if (why != NULL)
		packet_add_text(&answer, why);
	connection_send(c, &answer);
	return true;
}

const struct sessions *
sessions_running(void)
{
	return running;
}

/* --- what sessions say ---------------------------------------------------------------- */

size_t
sessions_of_user(const char *user)
{
	size_t count = 0;
	uint64_t hash = siphash(&running->key, slice_of(user));
	for (size_t i = 0; i < running->most; i++) {
		const struct session_child *c = &running->children[i];
		count += c->user != NULL && c->hash == hash && strcmp(c->user, user) == 0;
	}
	return count;
}

/* Those that began at once could not see each other (arrive.c). */
static void
end_surplus(const struct session_child *c)
{
	if (running->most_of_user == 0 || sessions_of_user(c->user) <= running->most_of_user)
		return;
	log_warning("user-sessions-full", log_text("user", c->user), log_text("setting", running->user_setting));
	kill(c->pid, SIGTERM);
}

static bool
take_user(struct session_child *c, struct packet *word)
{
	const char *user = packet_field(word);
	if (c->user != NULL || user == NULL || user[0] == '\0' || strlen(user) > TALLY_USER_MOST)
		return false;
	c->user = strdup(user);
	if (c->user == NULL)
		return true;
	c->hash = siphash(&running->key, slice_of(user));
	end_surplus(c);
	return true;
}

static bool
take_usage(const struct session_child *c, struct packet *word)
{
	uint64_t bytes, messages;
	if (c->user == NULL || !packet_field_number(word, INT64_MAX, &bytes) || !packet_field_number(word, INT64_MAX, &messages))
		return false;
	telling_usage(&running->authd, c->user, bytes, messages);
	return true;
}

static void
take_word(pid_t pid, struct packet *word)
{
	size_t place = 0;
	while (place < running->most && running->children[place].pid != pid)
		place++;
	bool known = pid > 0 && place < running->most;
	bool good = known && strcmp(packet_verb(word), "user") == 0 ? take_user(&running->children[place], word)
	    : known && strcmp(packet_verb(word), "usage") == 0      ? take_usage(&running->children[place], word)
	                                                            : false;
	if (!good)
		log_warning("session-word-refused", log_number("pid", pid));
}

/* Some at a time: a session that talks without end must not hold up the others. */
static void
take_words(struct watch *w, uint32_t events)
{
	static struct packet word;
	pid_t pid;
	(void)w;
	(void)events;
	for (int i = 0; i < WORDS_AT_ONCE && tally_next(&running->tally, &pid, &word); i++)
		take_word(pid, &word);
}

/* --- ending ------------------------------------------------------------------------ */

static void
forget_child(pid_t child, int status)
{
	for (size_t i = 0; i < running->most; i++) {
		if (running->children[i].pid != child)
			continue;
		free(running->children[i].user);
		running->children[i] = (struct session_child){.pid = 0};
		running->count--;
		break;
	}
	if (WIFSIGNALED(status))
		log_error("session-died", log_number("pid", child), log_number("signal", WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_error("session-failed", log_number("pid", child), log_number("status", WEXITSTATUS(status)));
}

static void
on_child(int number)
{
	int status;
	(void)number;
	/* What a session said last counts, though it is gone. */
	take_words(&running->words, 0);
	for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;)
		forget_child(child, status);
	if (running->ending && running->count == 0)
		loop_stop();
}

static void
tell_children(int number)
{
	for (size_t i = 0; i < running->most; i++)
		if (running->children[i].pid != 0)
			kill(running->children[i].pid, number);
}

static void
out_of_patience(struct timer *t)
{
	(void)t;
	log_warning("sessions-killed", log_number("sessions", (int64_t)running->count));
	tell_children(SIGKILL);
	loop_stop();
}

static struct timer patience = {.fire = out_of_patience};

static void
on_terminate(int number)
{
	(void)number;
	running->ending = true;
	if (running->patience > 0)
		tell_children(SIGTERM);
	if (running->patience == 0 || running->count == 0 || !timer_set(&patience, running->patience))
		loop_stop();
}

/* --- start ------------------------------------------------------------------------- */

/* Before the confinement: the pair can be made only then. */
static bool
open_tally(struct sessions *s)
{
	s->authd.client = (struct client){.service = "authd/lookup", .timeout = PATIENCE_AUTHD};
	if (!tally_open(&s->tally)) {
		log_error("socket-failed", log_errno());
		return false;
	}
	s->words = (struct watch){.fd = s->tally.reading, .ready = take_words};
	return loop_add(&s->words, EPOLLIN);
}

static bool
open_root(struct sessions *s)
{
	s->root = open(s->mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root >= 0)
		return true;
	log_error("mail-root-failed", log_text("directory", s->mail_root), log_errno(),
	    log_text("hint", "make it, owned by vmail, or write another into the setting mail_root"));
	return false;
}

struct contract
sessions_contract(const struct contract *c)
{
	struct contract own = *c;
	own.memory = (size_t)running->memory;
	return own;
}

bool
sessions_start(struct sessions *s, const struct contract *c)
{
	running = s;
	s->service.request = request;
	s->children = calloc(s->most, sizeof *s->children);
	s->key = siphash_key_new();
	peers_add(&s->service.peers, s->front);
	if (s->children == NULL || !open_root(s) || !loop_begin() || !loop_signal(SIGCHLD, on_child) ||
	    !loop_signal(SIGTERM, on_terminate) || !open_tally(s) || !service_start(&s->service))
		return false;
	const struct sandbox_path path = {.fd = s->root, .write = true};
	const struct contract own = sessions_contract(c);
	return sandbox_enter(&own, &path, 1);
}

void
sessions_run(void)
{
	log_info("ready", log_number("sessions", (int64_t)running->most));
	loop_run();
}
