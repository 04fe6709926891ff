#include "imapd/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/vanished.h"
#include "lib/base/clock.h"
#include "lib/mail/imap_reply.h"

#define LOOK_EVERY 1000 /* ms */

bool
view_open(struct view *v, const struct maildir *m, struct slice name, bool read_only)
{
	*v = (struct view){.open = false};
	if (name.len >= sizeof v->name || !folder_open(&v->folder, m, name, read_only)) {
		errno = name.len >= sizeof v->name ? EINVAL : errno;
		return false;
	}
	memcpy(v->name, name.data, name.len);
	if (!view_refresh(v)) {
		int saved = errno;
		folder_close(&v->folder);
		errno = saved;
		return false;
	}
	v->open = true;
	return true;
}

void
view_close(struct view *v)
{
	if (v->open)
		folder_close(&v->folder);
	free(v->saved.ranges);
	*v = (struct view){.open = false};
}

bool
view_refresh(struct view *v)
{
	v->looked = clock_ms();
	v->own_change = false;
	v->news = true;
	if (folder_refresh(&v->folder))
		return true;
	/* Anything else, such as a lock that is held, may heal: the view stays as it is. */
	v->stale = errno == ESTALE || errno == ENOENT;
	v->full = errno == ENOMEM;
	return false;
}

bool
view_refresh_lazily(struct view *v)
{
	if (!v->own_change && clock_ms() - v->looked < LOOK_EVERY)
		return true;
	return view_refresh(v);
}

static size_t
count_keywords(const struct view *v)
{
	size_t count = 0;
	for (size_t i = 0; i < KEYWORDS_MOST; i++)
		count += v->folder.keywords[i] != NULL;
	return count;
}

void
view_tell_flags(struct view *v, struct output *out)
{
	v->keywords = count_keywords(v);
	output_text(out, "* FLAGS (");
	flags_write_known(out, &v->folder);
	output_text(out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!v->folder.read_only) {
		flags_write_known(out, &v->folder);
		if (v->keywords < KEYWORDS_MOST)
			output_text(out, " \\*");
	}
	output_text(out, ")] flags that stay\r\n");
}

void
view_tell_new_flags(struct view *v, struct output *out)
{
	if (count_keywords(v) != v->keywords)
		view_tell_flags(v, out);
}

static size_t
count_recent(const struct view *v)
{
	size_t recent = 0;
	for (size_t i = 0; i < v->folder.count; i++)
		recent += v->folder.messages[i].recent;
	return recent;
}

void
view_tell_count(struct view *v, struct output *out, const struct dialect *d)
{
	v->announced = v->folder.count;
	v->recent = count_recent(v);
	output_format(out, "* %zu EXISTS\r\n", v->announced);
	if (!d->rev2)
		output_format(out, "* %zu RECENT\r\n", v->recent);
}

struct telling {
	struct view   *view;
	struct output *out;
	bool           told; /* by VANISHED */
};

/* A message that the client was never told of goes in silence. */
static void
tell_expunge(void *context, size_t index)
{
	struct telling *t = context;
	if (index >= t->view->announced)
		return;
	t->view->announced--;
	if (!t->told)
		output_format(t->out, "* %zu EXPUNGE\r\n", index + 1);
}

void
view_begin_fetch(const struct view *v, struct output *out, const struct dialect *d, size_t index, bool with_uid)
{
	uint32_t uid = v->folder.messages[index].uid;
	if (d->uidonly) {
		output_format(out, "* %u UIDFETCH (", uid);
		return;
	}
	output_text(out, "* ");
	output_number(out, index + 1);
	output_text(out, " FETCH (");
	if (with_uid)
		output_format(out, "UID %u ", uid);
}

void
view_tell_change(struct view *v, struct output *out, const struct dialect *d, size_t index, bool with_uid)
{
	struct message *m = &v->folder.messages[index];
	m->changed = false;
	view_begin_fetch(v, out, d, index, with_uid || d->qresync || d->rev2 || d->notifies);
	output_text(out, "FLAGS (");
	flags_write(out, d, &v->folder, m);
	output_text(out, ")");
	if (d->condstore && v->folder.highest_modseq != 0) {
		output_text(out, " ");
		condstore_write(out, m);
	}
	output_text(out, ")\r\n");
}

static void
tell_changes(struct view *v, struct output *out, const struct dialect *d, bool with_uid)
{
	for (size_t i = 0; i < v->announced; i++)
		if (v->folder.messages[i].changed && !v->folder.messages[i].vanished)
			view_tell_change(v, out, d, i, with_uid);
}

static void
tell_expunges(struct view *v, struct output *out, const struct dialect *d)
{
	struct vanished gone = {.out = out};
	bool by_uid = d->uidonly || (d->qresync && v->folder.highest_modseq != 0);
	for (size_t i = 0; by_uid && i < v->announced; i++)
		if (v->folder.messages[i].vanished)
			vanished_add(&gone, v->folder.messages[i].uid, v->folder.messages[i].uid);
	vanished_end(&gone);
	folder_drop(&v->folder, tell_expunge, &(struct telling){v, out, by_uid});
}

void
view_all_told(struct view *v)
{
	if (v->folder.vanished == 0)
		v->told = v->folder.highest_modseq;
}

void
view_report(struct view *v, struct output *out, const struct dialect *d, bool expunges, bool with_uid)
{
	if (!v->open)
		return;
	if (expunges && !d->quiet_expunges && v->folder.vanished > 0)
		tell_expunges(v, out, d);
	if (!v->news)
		return;
	v->news = false;
	size_t known = v->announced;
	if (!d->quiet_new && (v->folder.count != v->announced || (!d->rev2 && count_recent(v) != v->recent)))
		view_tell_count(v, out, d);
	/* New messages come with their flags when the client fetches them. */
	for (size_t i = known; i < v->announced; i++)
		v->folder.messages[i].changed = false;
	if (d->quiet_new || d->quiet_flags)
		return;
	view_tell_new_flags(v, out);
	tell_changes(v, out, d, with_uid);
	view_all_told(v);
}
