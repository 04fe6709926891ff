#include "queue/letter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/ipc/submit.h"
#include "lib/mail/header.h"
#include "queue/bounce.h"
#include "queue/manager.h"
#include "queue/notice.h"

#define HEADERS_MOST 65536        /* of the message that come along */
#define KEYS_MOST    8
#define ORIGIN       "origin="
#define DOUBLE       "double-bounce" /* a notice to the postmaster: if that fails, nobody is told */

static const char nobody[] = "nobody is to be told";

/* To whom; the text `nobody` when the end is reached. */
static struct slice
addressee(const struct queue_file *f, bool *to_postmaster)
{
	*to_postmaster = f->sender.len == 0;
	if (!*to_postmaster)
		return f->sender;
	struct slice origin;
	bool again = queue_file_with(f, "origin", &origin) && slice_is(origin, DOUBLE);
	const char *postmaster = manager.settings->postmaster;
	return slice_of(again || postmaster[0] == '\0' ? nobody : postmaster);
}

static bool
said(const struct queue_file *f, const char *key, const char *wanted)
{
	struct slice value;
	return queue_file_with(f, key, &value) && slice_is_nocase(value, wanted);
}

/* With the null sender, so that no letter answers it (RFC 3461 section 6). `keys` end with NULL. */
static struct outcome
submit(struct slice to, const char *const *keys, struct slice text)
{
	static struct submission s;
	submit_begin(&s);
	submit_mail(&s, slice_of(""), keys);
	submit_rcpt(&s, to);
	submit_open(&s);
	submit_data(&s, text);
	struct outcome o = submit_commit(&s);
	if (outcome_is_done(&o))
		o = outcome_make("2.0.0", "%s", s.id);
	submit_end(&s);
	return o;
}

/* What the letter tells of the message is as secret as the message was (RFC 8689 section 5). */
static void
gather_keys(const char *keys[KEYS_MOST], const struct bounce *b)
{
	size_t count = 0;
	keys[count++] = b->to_postmaster ? ORIGIN DOUBLE : ORIGIN "bounce";
	if (said(b->file, "requiretls", "1"))
		keys[count++] = "requiretls=1";
	if (bounce_needs_utf8(b))
		keys[count++] = "smtputf8=1";
	if (bounce_needs_8bit(b))
		keys[count++] = "body=8BITMIME";
	keys[count] = NULL;
}

/*
 * RET counts for failures only (RFC 3461 section 4.3). Who said nothing gets the
 * header: enough to know the message by, and no way to send a stranger a text.
 */
static bool
is_whole(const struct queue_file *f)
{
	if (f->message_size > manager.settings->bounce_size || !said(f, "ret", "FULL") || said(f, "requiretls", "1") ||
	    said(f, "body", "BINARYMIME"))
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (report_of(f, &f->recipients[i], false) == REPORT_FAILED)
			return true;
	return false;
}

/* Into malloc'ed memory; an empty slice when it cannot be read now. */
static struct slice
read_returned(int fd, const struct queue_file *f, bool whole, char **memory)
{
	size_t len = whole || f->message_size < HEADERS_MOST ? (size_t)f->message_size : HEADERS_MOST;
	*memory = malloc(len + 1);
	if (*memory == NULL || !file_read_at(fd, *memory, len, (off_t)f->header_size))
		return slice_of("");
	struct slice message = slice_make(*memory, len);
	if (whole)
		return message;
	struct slice headers = slice_first(message, header_end(message));
	/* Cut where a line ends. */
	return slice_first(headers, slice_find_last(headers, '\n') + 1);
}

static int64_t
last_change(int fd, int64_t now)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_mtime < now ? st.st_mtime : now;
}

static struct outcome
make_bounce(int fd, const struct queue_file *f, bool late, const struct bounce_templates *templates)
{
	char *memory = NULL;
	const char *keys[KEYS_MOST];
	struct bounce b = {.file = f, .templates = templates, .hostname = manager.settings->hostname, .late = late,
	    .now = clock_unix(), .life = manager.settings->life, .whole = is_whole(f)};
	b.to = addressee(f, &b.to_postmaster);
	if (b.to.data == nobody)
		return outcome_make("5.0.0", "%s", nobody);
	/* The last attempt was marked in the file. */
	b.attempted = last_change(fd, b.now);
	b.returned = read_returned(fd, f, b.whole, &memory);
	gather_keys(keys, &b);
	struct str text = STR_MOST(BOUNCE_MOST);
	struct outcome o = outcome_make("4.3.0", "no memory");
	if (bounce_compose(&text, &b))
		o = submit(b.to, keys, str_slice(&text));
	str_free(&text);
	free(memory);
	return o;
}

static struct outcome
make_notice(int fd, const struct queue_file *f, bool late, const struct bounce_templates *templates)
{
	(void)fd, (void)late, (void)templates;
	struct slice postmaster = slice_of(manager.settings->postmaster);
	if (postmaster.len == 0)
		return outcome_make("5.0.0", "%s", nobody);
	const char *const keys[] = {ORIGIN DOUBLE, said(f, "requiretls", "1") ? "requiretls=1" : NULL, NULL};
	struct str text = STR_MOST(NOTICE_MOST);
	struct outcome o = outcome_make("4.3.0", "no memory");
	if (notice_compose(&text, f, postmaster, manager.settings->hostname))
		o = submit(postmaster, keys, str_slice(&text));
	str_free(&text);
	return o;
}

static const struct {
	const char *verb;
	struct outcome (*make)(int fd, const struct queue_file *f, bool late, const struct bounce_templates *templates);
} letters[] = {{"bounce", make_bounce}, {"notice", make_notice}};

struct outcome
letter_make(const struct queue_directory *d, const char *verb, uint64_t id, bool late, const struct bounce_templates *templates)
{
	struct queue_file f;
	int fd = queue_directory_open_file(d, id, O_RDONLY);
	if (fd < 0)
		return outcome_make("4.3.0", "the file cannot be opened");
	struct outcome o = outcome_make("4.3.0", "the file cannot be read");
	if (queue_file_read(fd, false, &f) == FILE_OK) {
		for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
			if (strcmp(verb, letters[i].verb) == 0)
				o = letters[i].make(fd, &f, late, templates);
		queue_file_free(&f);
	}
	close(fd);
	return o;
}
