/*
 * postern-sendmail: takes a message from a program, as sendmail does.
 *
 * Who runs it: anybody; it needs no privilege. Reads: its settings, standard
 *   input, the user data base. Writes: errors on standard error.
 * Sockets: connects to queue/submit, whose peer is told to the queue by the kernel.
 * Exit codes: of sysexits: 0, 64 usage, 65 data, 67 no user, 69 unavailable,
 *   70 no memory, 74 input, 75 try again, 78 settings.
 * A compromise yields nothing that the caller does not have.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/mail/address.h"
#include "lib/mail/budget.h"
#include "lib/mail/date.h"
#include "queue/sendmail_header.h"
#include "queue/sendmail_smtp.h"
#include "queue/sendmail_text.h"
#include "queue/submit.h"

#define PIECE 65536


static const struct setting table[] = {
    SOCKET_SETTINGS,
    HOST_SETTING,
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .reaches = "what the caller may",
    .sockets = "connects: queue/submit",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-sendmail",
    .user = "the caller",
    .usage = "[-t] [-i] [-f SENDER] [-F NAME] [-bm | -bs | -bp] [RECIPIENT ...]",
    .help = "Sends the message on standard input.\n\n"
            "  -t         recipients are in To, Cc and Bcc; Bcc is taken out\n"
            "  -i, -oi    a line with a dot alone does not end the message\n"
            "  -f SENDER  the envelope sender (-f <> for none); -r is the same\n"
            "  -F NAME    the name for a From field that is missing\n"
            "  -bs        speak SMTP on standard input and output\n"
            "  -bp        show the queue, as postern-mailq",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

struct options {
	bool        from_header, ignore_dots;
	const char *sender;    /* NULL: the caller */
	const char *full_name; /* NULL: the caller's */
	char        mode;      /* 'm', 's', 'p' */
};

static _Noreturn void
fail(int code, const char *why, const char *what)
{
	fprintf(stderr, "%s: %s%s%s\n", program.name, why, what[0] != '\0' ? ": " : "", what);
	exit(code);
}

/* --- arguments ---------------------------------------------------------------------------- */

static void
show_queue(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash != NULL && (size_t)(slash - path) + sizeof "/postern-mailq" <= sizeof path) {
		memcpy(slash, "/postern-mailq", sizeof "/postern-mailq");
		execl(path, "postern-mailq", (char *)NULL);
	}
	fail(EX_UNAVAILABLE, "postern-mailq cannot be started", strerror(errno));
}

static void
set_mode(struct options *o, const char *mode)
{
	if (strlen(mode) != 1 || strchr("msp", mode[0]) == NULL)
		fail(EX_USAGE, "this mode is not served", mode);
	o->mode = mode[0];
}

/* Options of sendmail that change nothing here; those with a value take it along. */
static const char with_value[] = "fFrbBoONRVXLhCpq";

static void
take_option(struct options *o, char letter, const char *value)
{
	switch (letter) {
	case 't':
		o->from_header = true;
		break;
	case 'i':
		o->ignore_dots = true;
		break;
	case 'o':
		o->ignore_dots = o->ignore_dots || strcmp(value, "i") == 0;
		break;
	case 'f':
	case 'r':
		o->sender = value;
		break;
	case 'F':
		o->full_name = value;
		break;
	case 'b':
		set_mode(o, value);
		break;
	case 'q':
		exit(EX_OK); /* the queue runs by itself */
	default:
		if (strchr("vGUmnBONRVXLhCp", letter) == NULL)
			fail(EX_USAGE, "unknown option", (char[]){letter, '\0'});
	}
}

/* Returns the index of the first recipient. */
static int
read_options(struct options *o, int argc, char **argv, int first)
{
	int i = first;
	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		for (const char *at = argv[i] + 1; *at != '\0'; at++) {
			if (strchr(with_value, *at) == NULL) {
				take_option(o, *at, "");
				continue;
			}
			bool attached = at[1] != '\0' || *at == 'q' || *at == 'o';
			if (!attached && i + 1 >= argc)
				fail(EX_USAGE, "this option needs a value", (char[]){'-', *at, '\0'});
			take_option(o, *at, attached ? at + 1 : argv[++i]);
			break;
		}
	}
	return i;
}

/* --- who sends ------------------------------------------------------------------------------- */

static void
set_sender(const struct options *o, struct address *sender)
{
	const struct passwd *user = getpwuid(getuid());
	char number[32];
	snprintf(number, sizeof number, "uid%u", (unsigned)getuid());
	const char *who = o->sender != NULL ? o->sender : user != NULL ? user->pw_name : number;
	unsigned flags = ADDRESS_UTF8 | ADDRESS_NULL | ADDRESS_NO_DOMAIN;
	struct slice rest = slice_of(""), text = slice_trim(slice_of(who));
	enum address_result r = slice_starts(text, "<") ? address_parse_path(text, flags, sender, &rest)
							 : address_parse(text, flags, sender);
	if ((r != ADDRESS_OK && r != ADDRESS_LOCAL_LONG) || rest.len > 0)
		fail(EX_USAGE, "this is no sender", who);
	if (sender->text_len == 0 || sender->domain_len > 0)
		return;
	struct str full = STR_MOST(1024);
	if (!address_print(&full, address_local(sender), slice_of(host_name())) ||
	    address_parse(str_slice(&full), ADDRESS_UTF8, sender) != ADDRESS_OK)
		fail(EX_USAGE, "this is no sender", who);
	str_free(&full);
}

static const char *
full_name(const struct options *o)
{
	static char name[256];
	if (o->full_name != NULL)
		return o->full_name;
	const struct passwd *user = o->sender == NULL ? getpwuid(getuid()) : NULL;
	if (user != NULL)
		snprintf(name, sizeof name, "%.*s", (int)strcspn(user->pw_gecos, ","), user->pw_gecos);
	return name;
}

/* --- the message ------------------------------------------------------------------------------ */

struct source {
	struct text text;
	bool        ended;
};

/* Reads one piece and appends it as message text. */
static void
read_piece(struct source *s, struct str *into)
{
	static char piece[PIECE];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
	if (n < 0 && errno == EINTR)
		return;
	if (n < 0)
		fail(EX_IOERR, "the message cannot be read", strerror(errno));
	bool ok = n > 0 ? text_add(&s->text, into, slice_make(piece, (size_t)n)) : text_end(&s->text, into);
	if (!ok)
		fail(EX_SOFTWARE, "no memory", "");
	s->ended = n == 0 || s->text.ended;
}

/* Reads until the header is there, or more than a header may be. */
static void
read_header(struct source *s, struct str *head)
{
	size_t looked = 0;
	while (!s->ended && head->len < BUDGET_HEADER_BYTES) {
		read_piece(s, head);
		if (head->len >= 2 && memcmp(head->data, "\r\n", 2) == 0)
			return;
		if (head->len > looked && memmem(head->data + looked, head->len - looked, "\r\n\r\n", 4) != NULL)
			return;
		looked = head->len > 3 ? head->len - 3 : 0;
	}
}

static void
send_body(struct submission *s, struct source *source, struct slice first)
{
	struct str piece = STR_MOST(4 * PIECE);
	submit_data(s, first);
	while (!source->ended && outcome_is_done(&s->trouble)) {
		read_piece(source, &piece);
		submit_data(s, str_slice(&piece));
		str_clear(&piece);
	}
	str_free(&piece);
}

static void
send_envelope(struct submission *s, const struct address *sender, const struct recipients *r)
{
	struct slice rest = str_slice(&r->texts), one;
	submit_begin(s);
	submit_mail(s, address_text(sender), (const char *const[]){"protocol=local", NULL});
	while (slice_split(&rest, '\0', &one))
		submit_rcpt(s, one);
	submit_open(s);
}

static int
exit_code(const struct outcome *o)
{
	if (outcome_is_done(o))
		return EX_OK;
	fprintf(stderr, "%s: %s %s\n", program.name, o->code, o->text);
	return o->class == OUTCOME_TEMPORARY ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

static void
gather_recipients(struct recipients *r, const struct options *o, struct slice message, int count, char **arguments)
{
	struct str wrong = STR_MOST(4096);
	r->texts = STR_MOST(8u << 20);
	for (int i = 0; i < count; i++)
		if (!recipients_add(r, slice_of(arguments[i]), host_name(), &wrong))
			fail(EX_DATAERR, "this is no address", str_text(&wrong));
	if (o->from_header && !recipients_from_header(r, message, host_name(), &wrong))
		fail(EX_DATAERR, "this is no address", str_text(&wrong));
	if (r->count == 0)
		fail(EX_USAGE, "no recipient", o->from_header ? "in To, Cc or Bcc" : "is named; see --help");
	str_free(&wrong);
}

static int
send_message(const struct options *o, int count, char **arguments)
{
	static struct submission s;
	struct source source = {.text = {.dot_ends = !o->ignore_dots}};
	struct str head = STR_MOST(BUDGET_HEADER_BYTES + 4 * PIECE), written = STR_MOST(2u * BUDGET_HEADER_BYTES);
	struct recipients recipients = {.count = 0};
	struct address sender = {.text_len = 0};
	size_t body;
	set_sender(o, &sender);
	read_header(&source, &head);
	struct slice message = str_slice(&head);
	struct slice header = slice_first(message, header_length(message, &body));
	gather_recipients(&recipients, o, header, count, arguments);
	send_envelope(&s, &sender, &recipients);
	struct writer w = {.hostname = host_name(), .sender = address_text(&sender), .full_name = full_name(o),
	    .drop_bcc = o->from_header, .queue_id = s.id, .uid = (unsigned)getuid()};
	if (!header_write(&written, header, &w))
		fail(EX_SOFTWARE, "no memory", "");
	submit_data(&s, str_slice(&written));
	send_body(&s, &source, slice_from(message, body));
	struct outcome outcome = submit_commit(&s);
	submit_end(&s);
	str_free(&head);
	str_free(&written);
	str_free(&recipients.texts);
	return exit_code(&outcome);
}

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

int
main(int argc, char **argv)
{
	struct options o = {.mode = 'm'};
	int first = program_begin(&program, argc, argv);
	first = read_options(&o, argc, argv, first);
	if (o.mode == 'p' || strcmp(name_of(argv[0]), "mailq") == 0)
		show_queue();
	if (!settings_load(table, sizeof table / sizeof *table))
		return EX_CONFIG;
	date_open();
	if (o.mode == 's')
		return sendmail_smtp(host_name());
	return send_message(&o, argc - first, argv + first);
}
