/*
 * postern-queuectl: steers the queue.
 *
 * Who runs it: root, or a user of the setting queue_admins of postern-queued.
 * Reads: its settings; with show, the message's file, whose descriptor the queue
 *   hands out. Writes: standard output.
 * Sockets: connects to queue/show and queue/control, which ask the kernel who
 *   calls; with --next-hop to authd/lookup.
 * Exit codes: 0 done; 100 misuse, not allowed, or not done to all that was named;
 * 111 the queue cannot be reached, or has trouble.
 * A compromise yields nothing that the caller does not have.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "queue/queuectl.h"

static const char *relay_host;

static const struct setting table[] = {
    SOCKET_SETTINGS,
    {"relay_host", SETTING_TEXT, "", "of postern-queued: the next hop of what no transport names, for flush --next-hop", &relay_host, 0, 0},
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .reaches = "what the caller may",
    .sockets = "connects: queue/show queue/control authd/lookup",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-queuectl",
    .user = "the caller",
    .usage = "[-n] flush|hold|release|delete|requeue|fail WHICH | expire AGE [WHICH] | show ID ... | ages [WHICH]",
    .help = "Steers the queue; root may, and who is named in the setting queue_admins.\n\n"
            "  flush [WHICH]      try messages now; without WHICH all that are not held\n"
            "  hold WHICH         keep messages until they are released\n"
            "  release WHICH      let messages that are held go, and try them now\n"
            "  delete WHICH       remove messages; nobody is told\n"
            "  fail WHICH         return messages to their senders now\n"
            "  requeue WHICH      look recipients up anew, aliases too, and begin with the first try\n"
            "  expire AGE [WHICH] return what has been here for longer: 12h, 5d\n"
            "  show ID ...        a message's envelope\n"
            "  ages [WHICH]       how long what waits has been here, by domain\n\n"
            "WHICH is: ID ... | all | one or more of\n" FILTER_HELP
            "  --next-hop HOST      of flush: whose mail goes there next\n\n"
            "  -n                   do nothing, say to which messages it would be done\n"
            "  --text TEXT          of fail: what the senders are told (\"5.1.1 text\" with a code)\n"
            "  --message            of show: the message itself\n"
            "  --by-sender          of ages: messages by their senders' domain\n"
            "  --json               of show and ages: JSON, one object a line",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

static const struct order_words flush_words = {"flush", "tried now", "is not waiting for another attempt", false};
static const struct order_words hold_words = {"hold", "held", "is not in the queue, or held already", false};
static const struct order_words release_words = {"release", "released", "is not held", false};
static const struct order_words delete_words = {"delete", "deleted", "is not in the queue", true};
static const struct order_words fail_words = {"fail", "returned", "is not in the queue", true};
static const struct order_words requeue_words = {"requeue", "requeued", "is not in the queue", false};

enum needs {
	NEEDS_CHOICE = 1, /* ids, "all" or a filter */
	NEEDS_IDS = 2,
	NEEDS_AGE = 4,
};

static const struct verb {
	const char *name;
	const struct order_words *words; /* NULL: no order, `act` does it */
	int (*act)(struct control *c, const struct request *r);
	unsigned    needs;
	const char *options; /* letters of those below that it takes */
} verbs[] = {
    {"flush", &flush_words, NULL, 0, "nh"},
    {"hold", &hold_words, NULL, NEEDS_CHOICE, "n"},
    {"release", &release_words, NULL, NEEDS_CHOICE, "n"},
    {"delete", &delete_words, NULL, NEEDS_CHOICE, "n"},
    {"remove", &delete_words, NULL, NEEDS_CHOICE, "n"},
    {"fail", &fail_words, NULL, NEEDS_CHOICE, "nt"},
    {"requeue", &requeue_words, NULL, NEEDS_CHOICE, "n"},
    {"expire", &fail_words, NULL, NEEDS_AGE, "nt"},
    {"show", NULL, queuectl_show, NEEDS_IDS, "jm"},
    {"ages", NULL, queuectl_ages, 0, "js"},
};

/* --- the command line ---------------------------------------------------------------------------- */

struct words {
	int    count;
	char **all;
	int    plain; /* those that are no options are gathered at the front */
};

/* An option of `verb`; false when it is none. */
static bool
take_option(struct request *r, const struct verb *v, const struct words *w, int *at)
{
	const struct {
		const char  *name;
		char         letter;
		bool        *flag;
		const char **value;
	} options[] = {
	    {"-n", 'n', &r->dry, NULL}, {"--json", 'j', &r->json, NULL}, {"--message", 'm', &r->message, NULL},
	    {"--by-sender", 's', &r->by_sender, NULL}, {"--text", 't', NULL, &r->text}, {"--next-hop", 'h', NULL, &r->next_hop},
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(w->all[*at], options[i].name) != 0 || strchr(v->options, options[i].letter) == NULL)
			continue;
		if (options[i].flag != NULL)
			*options[i].flag = true;
		else if (*at + 1 < w->count)
			*options[i].value = w->all[++*at];
		else
			return false;
		return true;
	}
	return false;
}

/* Sorts the words behind the verb into options and others. */
static bool
read_words(struct request *r, const struct verb *v, struct words *w)
{
	for (int at = 0; at < w->count; at++) {
		if (w->all[at][0] != '-') {
			w->all[w->plain++] = w->all[at];
			continue;
		}
		if (take_option(r, v, w, &at))
			continue;
		enum filter_option o = filter_take(&r->filter, program.name, w->all, w->count, &at);
		if (o == FILTER_UNKNOWN)
			program_usage(&program);
		if (o == FILTER_WRONG)
			return false;
	}
	return true;
}

static bool
take_age(struct request *r, struct words *w)
{
	char *age[] = {"--older-than", w->plain > 0 ? w->all[0] : ""};
	int at = 0;
	if (w->plain == 0)
		program_usage(&program);
	r->age = age[1];
	w->all++;
	w->plain--;
	return filter_take(&r->filter, program.name, age, 2, &at) == FILTER_TAKEN;
}

/* Ids, or "all", or what the filter chooses. */
static bool
take_choice(struct request *r, const struct verb *v, const struct words *w)
{
	r->all = w->plain == 1 && strcmp(w->all[0], "all") == 0;
	if (w->plain > 0 && !r->all && !filter_take_ids(&r->filter, program.name, w->all, (size_t)w->plain))
		return false;
	bool chosen = r->all || filter_chooses(&r->filter) || r->next_hop != NULL;
	if (((v->needs & NEEDS_CHOICE) && !chosen && w->plain == 0) || ((v->needs & NEEDS_IDS) && (w->plain == 0 || r->all)))
		program_usage(&program);
	if (r->text == NULL || !ascii_has_control(slice_of(r->text)))
		return true;
	fprintf(stderr, "%s: the text must be one line\n", program.name);
	return false;
}

/* The verb may follow -n. */
static const struct verb *
find_verb(int argc, char **argv, int *at, struct request *r)
{
	if (*at < argc && strcmp(argv[*at], "-n") == 0) {
		r->dry = true;
		++*at;
	}
	for (size_t i = 0; *at < argc && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[*at], verbs[i].name) == 0 && (!r->dry || strchr(verbs[i].options, 'n') != NULL))
			return &verbs[i];
	program_usage(&program);
}

int
main(int argc, char **argv)
{
	static struct control control;
	struct request r = {.program = program.name};
	int at = program_begin(&program, argc, argv);
	const struct verb *v = find_verb(argc, argv, &at, &r);
	struct words w = {.count = argc - at - 1, .all = argv + at + 1};
	if (!read_words(&r, v, &w) || ((v->needs & NEEDS_AGE) && !take_age(&r, &w)) || !take_choice(&r, v, &w))
		return EXIT_MISUSE;
	program_settings(&program);
	r.relay_host = relay_host;
	enum control_result opened = control_open(&control, program.name);
	if (opened != CONTROL_OK)
		return control_exit_code(opened);
	int code = v->words != NULL ? queuectl_order(&control, &r, v->words) : v->act(&control, &r);
	control_close(&control);
	return fflush(stdout) == 0 ? code : EXIT_TEMPORARY;
}
