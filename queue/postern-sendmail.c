/*
 * postern-sendmail: takes a message from a program, as sendmail does.
 *
 * Who runs it: anybody; it needs no privilege. Reads: its settings, standard
 *   input, the user data base. Writes: errors on standard error; of a message
 *   past 2 MiB a temporary file without a name.
 * Sockets: connects to queue/submit, whose peer is told to the queue by the
 *   kernel; with -bv and -bi to authd/lookup, which lets root ask.
 * Exit codes: of sysexits: 0, 64 usage, 65 data, 67 no user, 69 unavailable,
 *   70 no memory, 73 no temporary file, 74 input, 75 try again, 77 not allowed,
 *   78 settings.
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
#include "lib/ipc/submit.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "queue/sendmail_ask.h"
#include "queue/sendmail_header.h"
#include "queue/sendmail_options.h"
#include "queue/sendmail_sender.h"
#include "queue/sendmail_smtp.h"
#include "queue/sendmail_spool.h"
#include "queue/sendmail_text.h"

#define PIECE 65536

static uint64_t    message_size;
static const char *local_aliases;

static const struct setting table[] = {
    SOCKET_SETTINGS,
    HOST_SETTING,
    {"message_size", SETTING_SIZE, "10240000", "the largest message in bytes", &message_size, 65536, UINT64_MAX / 2},
    {"local_aliases", SETTING_TEXT, "", "of postern-authd: the file of aliases that newaliases looks at", &local_aliases, 0, 0},
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_EXEC,
    .reaches = "what the caller may",
    .sockets = "connects: queue/submit authd/lookup",
    .compromise = "nothing that the caller does not have",
};

static const struct program program = {
    .name = "postern-sendmail",
    .user = "the caller",
    .usage = "[-t] [-i] [-f SENDER] [-F NAME] [-N WHEN] [-R full|hdrs] [-V ID] [-bm | -bs | -bv | -bp | -bi | -q] [RECIPIENT ...]",
    .help = "Sends the message on standard input.\n\n"
            "  -t         recipients are in To, Cc and Bcc\n"
            "  -i, -oi    a line with a dot alone does not end the message\n"
            "  -f SENDER  the envelope sender (-f <> for none); -r is the same\n"
            "  -F NAME    the name for a From field that is missing\n"
            "  -N WHEN    notifications: never, or some of success,failure,delay\n"
            "  -R WHAT    what a notification returns: full or hdrs\n"
            "  -V ID      the envelope's id, for notifications\n"
            "  -B TYPE    7BIT or 8BITMIME; found out by itself\n"
            "  -G         the message was composed elsewhere: nothing that is missing is added\n"
            "  -v         say the queue id\n"
            "  -bs        speak SMTP on standard input and output\n"
            "  -bv        say whether the recipients can be delivered to; sends nothing\n"
            "  -bp        show the queue, as postern-mailq\n"
            "  -bi, -I    check the file of aliases, as newaliases\n"
            "  -q         try all messages now (-qIID one, -qRDOMAIN those for a domain), as postern-queuectl flush",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

static _Noreturn void
fail(int code, const char *why, const char *what)
{
	fprintf(stderr, "%s: %s%s%s\n", program.name, why, what[0] != '\0' ? ": " : "", what);
	exit(code);
}

/* --- other programs of the suite ---------------------------------------------------------------- */

/* Becomes the program of that name beside this one. */
static _Noreturn void
become(const char *name, char *const *arguments)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash != NULL && (size_t)(slash + 1 - path) + strlen(name) < sizeof path) {
		strcpy(slash + 1, name);
		execv(path, arguments);
	}
	fail(EX_UNAVAILABLE, name, strerror(errno));
}

static _Noreturn void
flush_queue(const struct sendmail_options *o)
{
	char *words[] = {"postern-queuectl", "flush", NULL, NULL, NULL};
	if (o->flush_id != NULL) {
		words[2] = (char *)(uintptr_t)o->flush_id;
	} else if (o->flush_domain != NULL) {
		words[2] = "--domain";
		words[3] = (char *)(uintptr_t)o->flush_domain;
	}
	become(words[0], words);
}

/* --- the message ------------------------------------------------------------------------------ */

/* Reads standard input to its end, or to the dot. */
static void
read_message(struct spool *spool, bool dot_ends)
{
	static char piece[PIECE];
	struct text text = {.dot_ends = dot_ends};
	struct str lines = STR_MOST(4 * PIECE);
	ssize_t n;
	do {
		n = read(STDIN_FILENO, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(EX_IOERR, "the message cannot be read", strerror(errno));
		str_clear(&lines);
		if (!(n > 0 ? text_add(&text, &lines, slice_make(piece, (size_t)n)) : text_end(&text, &lines)))
			fail(EX_SOFTWARE, "no memory", "");
		if (!spool_add(spool, str_slice(&lines)))
			fail(errno == ENOMEM ? EX_SOFTWARE : EX_CANTCREAT, "the message cannot be kept", strerror(errno));
		if (spool->size > message_size)
			fail(EX_UNAVAILABLE, "5.3.4 the message is larger than the setting message_size allows", "");
	} while (n != 0 && !text.ended);
	str_free(&lines);
}

/* RFC 6531, RFC 6532: addresses or header fields in UTF-8. Bytes of another charset are nobody's standard, and go on as they are. */
static bool
is_international(const struct address *sender, const struct recipients *r, struct slice header)
{
	return !address_is_ascii(address_text(sender)) || !address_is_ascii(str_slice(&r->texts)) ||
	    (!address_is_ascii(header) && address_is_utf8(header));
}

/* The keys of `mail` and `rcpt`, as the queue keeps them. */
static void
send_envelope(struct submission *s, const struct sendmail_options *o, const struct address *sender, const struct recipients *r,
    const struct spool *spool, struct slice header)
{
	char size[40], ret[16], envid[ENVID_MOST + 8], notify[40];
	const char *keys[8] = {"protocol=local", size};
	size_t count = 2;
	snprintf(size, sizeof size, "size=%llu", (unsigned long long)spool->size);
	snprintf(ret, sizeof ret, "ret=%s", o->ret != NULL ? o->ret : "");
	snprintf(envid, sizeof envid, "envid=%s", o->envid);
	snprintf(notify, sizeof notify, "notify=%s", o->notify);
	if (o->eight_bit || spool->eight_bit)
		keys[count++] = "body=8BITMIME";
	if (is_international(sender, r, header))
		keys[count++] = "smtputf8=1";
	if (o->ret != NULL)
		keys[count++] = ret;
	if (o->envid[0] != '\0')
		keys[count++] = envid;
	struct slice rest = str_slice(&r->texts), one;
	submit_begin(s);
	submit_mail(s, address_text(sender), keys);
	while (slice_split(&rest, '\0', &one))
		submit_rcpt_with(s, one, (const char *const[]){o->notify[0] != '\0' ? notify : NULL, NULL});
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
gather_recipients(struct recipients *r, bool from_header, struct slice header, int count, char **arguments)
{
	struct str wrong = STR_MOST(4096);
	r->texts = STR_MOST(8u << 20);
	for (int i = 0; i < count; i++)
		if (!recipients_add(r, slice_of(arguments[i]), host_name(), &wrong))
			fail(EX_DATAERR, "this is no address", str_text(&wrong));
	if (from_header && !recipients_from_header(r, header, host_name(), &wrong))
		fail(EX_DATAERR, "this is no address", str_text(&wrong));
	if (r->count == 0)
		fail(EX_USAGE, "no recipient", from_header ? "in To, Cc or Bcc" : "is named; see --help");
	str_free(&wrong);
}

static void
get_sender(const struct sendmail_options *o, struct address *sender)
{
	if (!sendmail_sender(o->sender, host_name(), sender))
		fail(EX_USAGE, "this is no sender", o->sender != NULL ? o->sender : "the name of the caller");
}

static int
send_message(const struct sendmail_options *o, int count, char **arguments)
{
	static struct submission s;
	struct spool spool = SPOOL_START;
	struct recipients recipients = {.count = 0};
	struct address sender = {.text_len = 0};
	struct slice header;
	get_sender(o, &sender);
	if (!o->from_header)
		gather_recipients(&recipients, false, slice_of(""), count, arguments);
	read_message(&spool, !o->ignore_dots);
	if (!spool_header(&spool, &header))
		fail(EX_DATAERR, "the header is too long", "");
	if (o->from_header)
		gather_recipients(&recipients, true, header, count, arguments);
	send_envelope(&s, o, &sender, &recipients, &spool, header);
	struct writer w = {.hostname = host_name(), .sender = address_text(&sender), .full_name = sendmail_full_name(o->full_name, o->sender),
	    .complete = !o->gateway, .queue_id = s.id, .uid = (unsigned)getuid()};
	struct outcome outcome = spool_submit(&spool, &w, &s);
	submit_end(&s);
	if (o->verbose && outcome_is_done(&outcome))
		printf("queued as %s\n", s.id);
	spool_end(&spool);
	str_free(&recipients.texts);
	return exit_code(&outcome);
}

static int
verify(int count, char **arguments)
{
	struct recipients recipients = {.count = 0};
	gather_recipients(&recipients, false, slice_of(""), count, arguments);
	int code = sendmail_verify(&recipients);
	str_free(&recipients.texts);
	return code;
}

int
main(int argc, char **argv)
{
	struct sendmail_options o;
	int first = program_begin(&program, argc, argv);
	first = sendmail_options_read(&o, argc, argv, first);
	if (first < 0)
		fail(EX_USAGE, o.problem, o.about);
	if (o.mode == MODE_LIST)
		become("postern-mailq", (char *[]){"postern-mailq", NULL});
	if (o.mode == MODE_FLUSH)
		flush_queue(&o);
	if (o.mode == MODE_NOTHING)
		return EX_OK;
	if (!settings_load(table, sizeof table / sizeof *table))
		return EX_CONFIG;
	date_open();
	if (o.mode == MODE_SMTP)
		return sendmail_smtp(host_name(), message_size);
	if (o.mode == MODE_ALIASES)
		return sendmail_aliases(local_aliases, host_name());
	return o.mode == MODE_VERIFY ? verify(argc - first, argv + first) : send_message(&o, argc - first, argv + first);
}
