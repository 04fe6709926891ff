/* sources: imapd */
/*
 * SEARCH from its arguments to its result: up to a NUL a program, behind it
 * a message that lies in a folder beside some that do not change. A program and
 * its negation part the folder; what was found is found again, now by the
 * index, and by the sketches that a search in texts has left.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/match.h"
#include "lib/base/file.h"
#include "lib/store/sketches.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE "cur/1700000009.hostile:2,S"
/* Asks for texts often enough for sketches to be made and read. */
#define NOWHERE "OR TEXT \"q~1z\" OR TEXT \"q~2z\" TEXT \"q~3z\""

static struct session session = {.scratch = {.limit = 1 << 20}, .watch = -1, .body = {.fd = -1}};

static const char *const others[] = {
	"Subject: =?utf-8?B?w6RwZmVs?=\nDate: Sat, 21 Nov 2026 10:00:00 +0000\nTo: a@b.test\n\nplain\n",
	"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=koi8-r\n"
	"Content-Transfer-Encoding: base64\n\n8PLJ18XU\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--b--\n",
	"Content-Type: text/html; charset=gb18030\nContent-Transfer-Encoding: quoted-printable\n\n=D6=D0=B9=FA\n",
};

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
put(const char *name, struct slice text)
{
	/* So that what OLDER says of it does not change from one run to the next. */
	static const struct timespec years_ago[2] = {{.tv_sec = 1500000000}, {.tv_sec = 1500000000}};
	int fd = openat(session.maildir.root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && file_write_all(fd, text.data, text.len) && futimens(fd, years_ago) == 0);
	close(fd);
}

static void
begin(void)
{
	static char path[] = "/dev/shm/fuzz-search-XXXXXX";
	static const char *const names[] = {"cur/1700000001.one:2,", "cur/1700000002.two:2,FSa", "cur/1700000003.three:2,D"};
	must(mkdtemp(path) != NULL);
	int above = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(maildir_open(&session.maildir, above, "Maildir", true));
	for (size_t i = 0; i < 3; i++)
		put(names[i], slice_of(others[i]));
	output_open(&session.out, open("/dev/null", O_WRONLY | O_CLOEXEC), 1000);
	charset_open();
}

/* Bit i of the result: message i fits. False: it is no program that can run. */
static bool
run(struct slice text, unsigned *fits, bool *failed)
{
	struct parser p = parser_over(text, &session.scratch);
	const struct charset *charset;
	struct search_key *program;
	struct matches found;
	struct answer answer;
	bool modseq, ok = parse_search_charset(&p, &charset) && parse_search(&p, charset, &program, &modseq) &&
	    match_all(&session, program, &found, &answer);
	*fits = 0;
	for (size_t i = 0; ok && i < found.count; i++) {
		must(found.indexes[i] < session.view.announced && !(*fits & 1u << found.indexes[i]));
		*fits |= 1u << found.indexes[i];
	}
	*failed = ok && found.failed;
	scratch_clear(&session.scratch);
	return ok;
}

/* The program in brackets behind a NOT; false when there is a charset before it, or no room. */
static bool
negated(struct str *into, struct slice text)
{
	if (slice_starts_nocase(text, "CHARSET"))
		return false;
	str_append_text(into, "NOT (");
	str_append_slice(into, text);
	return str_append_text(into, ")");
}

/* The same behind another one that has looked into the message: what it finds is what either finds. */
static void
try_sieve(struct slice text, unsigned fits)
{
	unsigned nowhere, either;
	bool failed;
	struct str both = STR_MOST(text.len + 100);
	str_append_text(&both, "OR (" NOWHERE ") (");
	str_append_slice(&both, text);
	str_append_text(&both, ")");
	must(run(slice_of(NOWHERE), &nowhere, &failed));
	if (!failed && run(str_slice(&both), &either, &failed) && !failed)
		must(either == (fits | nowhere));
	str_free(&both);
}

static void
try_program(struct slice text)
{
	unsigned fits, again, others_fit, all = (1u << session.view.announced) - 1;
	bool failed;
	struct str negation = STR_MOST(text.len + 10);
	if (run(text, &fits, &failed) && !failed) {
		must(run(text, &again, &failed) && again == fits);
		if (negated(&negation, text) && run(str_slice(&negation), &others_fit, &failed))
			must(others_fit == (all & ~fits));
		if (!slice_starts_nocase(text, "CHARSET"))
			try_sieve(text, fits);
	}
	str_free(&negation);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	size_t end = slice_find(text, '\0');
	if (session.maildir.root == 0)
		begin();
	unlinkat(session.maildir.root, "postern-index", 0);
	unlinkat(session.maildir.root, SKETCHES_NAME, 0);
	put(MESSAGE, slice_from(text, end + 1));
	must(view_open(&session.view, &session.maildir, slice_of("INBOX"), true));
	session.view.announced = session.view.folder.count;
	try_program(slice_first(text, end));
	body_close(&session.body);
	view_close(&session.view);
	return 0;
}
