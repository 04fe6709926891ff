#include "deliver/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/target.h"
#include "lib/base/log.h"
#include "lib/mail/header.h"
#include "lib/store/duplicates.h"
#include "lib/store/quota_warning.h"

#define MESSAGE_ID_MOST 2000 /* bytes; a longer one marks nothing */

/* errno of the store in words for the sender. All of it is trouble of ours, so all of it is temporary. */
struct outcome
copy_trouble(const struct under_way *u, const char *step, const char *path)
{
	int error = errno;
	log_error("delivery-failed", log_text("to", u->what.address), log_text("step", step), log_text("path", path), log_errno());
	if (error == ENOSPC)
		return outcome_make("4.3.1", "no space left for mail");
	if (error == EDQUOT)
		return outcome_make("4.2.2", "the mailbox's disk quota is used up");
	if (error == EINVAL || error == ELOOP || error == ENOTDIR)
		return outcome_make("4.3.5", "the mailbox's directory is set up wrongly");
	return outcome_make("4.2.0", "the mailbox cannot be written: %s", strerror(error));
}

/* --- writing -------------------------------------------------------------------------- */

/* What goes into a header line of ours: the rest of the suite has checked it, a line end here would still make a header. */
static void
save_value(struct save *s, const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		unsigned char byte = (unsigned char)*at;
		char safe = byte < ' ' || byte == 0x7f ? '?' : (char)byte;
		save_write(s, &safe, 1);
	}
}

static void
save_field(struct save *s, const char *name, const char *value, const char *end)
{
	save_write(s, name, strlen(name));
	save_value(s, value);
	save_write(s, end, strlen(end));
}

/* What is the recipient's own is left out where copies shall share a file. */
static void
save_head(struct save *s, const struct delivery *what, bool shares)
{
	save_field(s, "Return-Path: <", what->sender, ">\n");
	if (shares)
		return;
	if (strcmp(what->original, what->final) != 0)
		save_field(s, "X-Original-To: ", what->original, "\n");
	save_field(s, "Delivered-To: ", what->final, "\n");
}

/* The message was begun: its first part is there. */
static bool
save_text(struct deliverer *d, struct save *s)
{
	do
		save_write(s, d->source.part.data, d->source.part.len);
	while (source_next(&d->source));
	int error = errno;
	save_complete(s);
	errno = error;
	return error == 0;
}

/* One of the same message from the same sender that is written, to a file of its own, which this one can share. */
static struct under_way *
find_same(const struct under_way *u, struct under_way *others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct under_way *o = &others[i];
		if (o->written && o->save.shared == NULL && !u->what.stream && o->inode == u->inode && o->device == u->device && o->what.offset == u->what.offset &&
		    o->what.length == u->what.length && strcmp(o->what.sender, u->what.sender) == 0)
			return o;
	}
	return NULL;
}

/* Those of one recipient differ in nothing, so they share a file whatever the rules are. `all` before `u` are looked at. */
static struct under_way *
find_shareable(const struct deliverer *d, const struct under_way *u, struct under_way *all)
{
	size_t before = (size_t)(u - all);
	struct under_way *own = all + before;
	while (own > all && own->extra)
		own--;
	struct under_way *same = find_same(u, own, (size_t)(u - own));
	return same != NULL || !d->rules->share_files ? same : find_same(u, all, before);
}

static bool
write_message(struct deliverer *d, struct under_way *u, struct under_way *all)
{
	struct under_way *same = find_shareable(d, u, all);
	if (same != NULL && save_begin_shared(&u->save, &u->folder, &same->save))
		return true;
	if (!save_begin(&u->save, &u->folder)) {
		u->outcome = copy_trouble(u, "create", u->path);
		return false;
	}
	save_head(&u->save, &u->what, d->rules->share_files);
	if (save_text(d, &u->save))
		return true;
	u->outcome = copy_trouble(u, "read", "(the message)");
	save_abort(&u->save);
	return false;
}

/* --- duplicates ----------------------------------------------------------------------- */

/* The mark of the message that was begun; 0 when it bears no Message-ID, or one that the first part may have cut. */
static uint64_t
mark_of(const struct source *s, const char *folder)
{
	struct header_field f;
	if (!header_find(s->part, "Message-ID", &f) || (f.end == s->part.len && !s->ended))
		return 0;
	struct str id = STR_MOST(MESSAGE_ID_MOST);
	uint64_t mark = header_unfold(&id, f.value) && id.len > 0 ? duplicates_mark(str_slice(&id), slice_of(folder)) : 0;
	str_free(&id);
	return mark;
}

static bool
is_duplicate(struct deliverer *d, struct under_way *u)
{
	uint64_t window = d->rules->duplicate_window;
	if (window == 0)
		return false;
	u->mark = mark_of(&d->source, u->in);
	return u->mark != 0 && duplicates_known(&u->maildir, DUPLICATES_FILE, u->mark, window);
}

/* --- room ------------------------------------------------------------------------------- */

/* The name of the folder, for the quota's rules. */
static struct slice
folder_of(const struct under_way *u)
{
	struct slice in = slice_of(u->in);
	return in.len < 2 ? slice_of("INBOX") : slice_make(in.data + 1, in.len - 2);
}

/* Before it is written. Its lines may end in CRLF, so that it becomes smaller, by half at most. */
static bool
may_fit(struct under_way *u)
{
	u->outcome = admit_check(&u->admission, folder_of(u), u->what.length != UINT64_MAX ? u->what.length / 2 : 0);
	return outcome_is_done(&u->outcome);
}

/* When it is written. */
static bool
take_room(struct under_way *u)
{
	u->outcome = admit_take(&u->admission, folder_of(u), u->save.size);
	if (outcome_is_done(&u->outcome))
		return true;
	save_abort(&u->save);
	return false;
}

/* --- all of it -------------------------------------------------------------------------- */

void
copy_begin(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *all)
{
	if (!target_open_folder(d, mailbox, u)) {
		u->outcome = copy_trouble(u, "open", u->path);
		return;
	}
	u->device = d->source.device;
	u->inode = d->source.inode;
	admit_begin(&u->admission, mailbox, &u->maildir, d->mail_root);
	if (is_duplicate(d, u))
		u->outcome = outcome_make("2.0.0", "a duplicate: its Message-ID was delivered before");
	else
		u->written = may_fit(u) && write_message(d, u, all) && take_room(u);
	if (!u->written) {
		admit_end(&u->admission, &d->authd);
		target_close(u);
	}
}

void
copy_take_back(struct deliverer *d, struct under_way *u)
{
	if (!u->written)
		return;
	save_abort(&u->save);
	admit_placed(&u->admission, folder_of(u), false);
	admit_end(&u->admission, &d->authd);
	target_close(u);
	u->written = false;
}

void
copy_end(struct deliverer *d, struct under_way *u)
{
	admit_placed(&u->admission, folder_of(u), u->save.trouble == 0);
	errno = u->save.trouble;
	if (u->save.trouble != 0) {
		u->outcome = copy_trouble(u, "write", u->path);
	} else {
		/* Where it went; whoever asked for the delivery logs it. */
		u->outcome = outcome_make("2.0.0", "saved as %s%s%s/%s", u->path, u->in, u->save.place == SAVE_CUR ? "cur" : "new", u->save.name);
		if (u->mark != 0 && d->rules->duplicate_window > 0 && !duplicates_add(&u->maildir, DUPLICATES_FILE, u->mark))
			log_warning("duplicates-failed", log_text("path", u->path), log_errno());
		if (u->admission.quota.crossed > 0)
			warning_send(&u->save, &u->maildir, &u->admission.quota, u->admission.user);
	}
	admit_end(&u->admission, &d->authd);
	target_close(u);
	u->written = false;
}
