#include "imapd/view.h"

#include <errno.h>
#include <string.h>

#include "imapd/flags.h"
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
view_tell_count(struct view *v, struct output *out)
{
	v->announced = v->folder.count;
	v->recent = count_recent(v);
	output_format(out, "* %zu EXISTS\r\n* %zu RECENT\r\n", v->announced, v->recent);
}

struct telling {
	struct view   *view;
	struct output *out;
};

/* A message that the client was never told of goes in silence. */
static void
tell_expunge(void *context, size_t index)
{
	struct telling *t = context;
	if (index >= t->view->announced)
		return;
	t->view->announced--;
	output_format(t->out, "* %zu EXPUNGE\r\n", index + 1);
}

static void
tell_changed_flags(struct view *v, struct output *out, bool with_uid)
{
	for (size_t i = 0; i < v->announced; i++) {
		struct message *m = &v->folder.messages[i];
		if (!m->changed || m->vanished)
			continue;
		m->changed = false;
		output_format(out, "* %zu FETCH (", i + 1);
		if (with_uid)
			output_format(out, "UID %u ", m->uid);
		output_text(out, "FLAGS (");
		flags_write(out, &v->folder, m);
		output_text(out, "))\r\n");
	}
}

void
view_report(struct view *v, struct output *out, bool expunges, bool with_uid)
{
	if (!v->open)
		return;
	if (expunges && v->folder.vanished > 0)
		folder_drop(&v->folder, tell_expunge, &(struct telling){v, out});
	if (!v->news)
		return;
	v->news = false;
	size_t known = v->announced;
	if (v->folder.count != v->announced || count_recent(v) != v->recent)
		view_tell_count(v, out);
	/* New messages come with their flags when the client fetches them. */
	for (size_t i = known; i < v->announced; i++)
		v->folder.messages[i].changed = false;
	view_tell_new_flags(v, out);
	tell_changed_flags(v, out, with_uid);
}
