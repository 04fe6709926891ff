#include "lib/store/pop3_uidl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/base/stream.h"
#include "lib/store/courier.h"
#include "lib/store/directory.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

#define COURIER_NAME "courierpop3dsizelist"
#define LINE_MOST    4096
#define READ_TIME    60000 /* ms; a file never waits */

/* What a line of a file, with its LF, means. */
typedef void take_line(const struct folder *f, struct slice line, void *context);

struct finder {
	char             letter;
	size_t           next; /* Dovecot: the list and the messages are both in the order of UIDs */
	struct str       text;
	pop3_uidl_found *found;
	void            *context;
};

/* Lines that are too long are no entries; with one that has no end the file is over. */
static bool
read_lines(const struct folder *f, const char *name, take_line *take, struct finder *context)
{
	struct slice line;
	struct input *in = malloc(sizeof *in);
	int fd = directory_open_file(f->directory, name);
	bool ok = fd >= 0 && in != NULL;
	if (ok) {
		input_open(in, fd, READ_TIME);
		enum input_result r;
		while ((r = input_line(in, LINE_MOST, &line)) == INPUT_OK)
			take(f, line, context);
		ok = r == INPUT_END || r == INPUT_TOO_LONG;
	}
	ok = ok || (fd < 0 && in != NULL && errno == ENOENT);
	directory_close(fd);
	free(in);
	return ok;
}

/* --- Dovecot ------------------------------------------------------------------- */

static void
tell_field(struct finder *d, size_t index, struct slice extra)
{
	struct slice field;
	while (slice_split(&extra, ' ', &field))
		if (field.len > 0 && field.data[0] == d->letter)
			d->found(d->context, index, slice_from(field, 1));
}

static void
take_dovecot(const struct folder *f, struct slice line, void *context)
{
	struct finder *d = context;
	struct uid_entry e;
	/* The header looks like an entry without fields, and most entries have none. */
	if (!uidlist_next(&line, &e) || e.extra.len == 0)
		return;
	while (d->next < f->count && f->messages[d->next].uid < e.uid)
		d->next++;
	if (d->next < f->count && f->messages[d->next].uid == e.uid)
		tell_field(d, d->next, e.extra);
}

bool
pop3_uidl_dovecot(const struct folder *f, char letter, pop3_uidl_found *found, void *context)
{
	struct finder d = {.letter = letter, .found = found, .context = context};
	return read_lines(f, UIDLIST_NAME, take_dovecot, &d);
}

/* --- Courier ------------------------------------------------------------------- */

static void
take_courier(const struct folder *f, struct slice line, void *context)
{
	struct finder *d = context;
	struct slice base;
	line.len--;
	str_clear(&d->text);
	if (!courier_parse_size(line, &base, &d->text))
		return;
	size_t index = scan_find(f, base);
	if (index != SIZE_MAX)
		d->found(d->context, index, str_slice(&d->text));
}

bool
pop3_uidl_courier(const struct folder *f, pop3_uidl_found *found, void *context)
{
	struct finder d = {.text = STR_MOST(LINE_MOST), .found = found, .context = context};
	bool ok = read_lines(f, COURIER_NAME, take_courier, &d);
	str_free(&d.text);
	return ok;
}
