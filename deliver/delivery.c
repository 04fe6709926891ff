#include "deliver/delivery.h"

#include <errno.h>
#include <stdlib.h>
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
static struct outcome
trouble(const struct under_way *u, const char *step, const char *path)
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

/* --- what is kept between the steps --------------------------------------------------- */

static const char *
keep(char **at, const char *text)
{
	if (text == NULL)
		return NULL;
	char *here = *at;
	size_t size = strlen(text) + 1;
	memcpy(here, text, size);
	*at += size;
	return here;
}

static size_t
size_of(const char *text)
{
	return text != NULL ? strlen(text) + 1 : 0;
}

static bool
keep_texts(struct under_way *u, const struct delivery *what)
{
	char *at = malloc(size_of(what->id) + size_of(what->sender) + size_of(what->address) + size_of(what->final) + size_of(what->original) + size_of(what->folder));
	u->what = *what;
	u->texts = at;
	if (at == NULL)
		return false;
	u->what.id = keep(&at, what->id);
	u->what.sender = keep(&at, what->sender);
	u->what.address = keep(&at, what->address);
	u->what.final = keep(&at, what->final);
	u->what.original = keep(&at, what->original);
	u->what.folder = keep(&at, what->folder);
	return true;
}

static void
give_back(struct under_way *u)
{
	free(u->texts);
	free(u->path);
	u->texts = u->path = NULL;
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

/* One of the same message from the same sender that is written, whose file this one can share. */
static struct under_way *
find_same(const struct under_way *u, struct under_way *others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct under_way *o = &others[i];
		if (o->written && !u->what.stream && o->inode == u->inode && o->device == u->device && o->what.offset == u->what.offset &&
		    o->what.length == u->what.length && strcmp(o->what.sender, u->what.sender) == 0)
			return o;
	}
	return NULL;
}

static bool
write_message(struct deliverer *d, struct under_way *u, struct under_way *others, size_t count)
{
	struct under_way *same = d->rules->share_files ? find_same(u, others, count) : NULL;
	if (same != NULL && save_begin_shared(&u->save, &u->folder, &same->save))
		return true;
	if (!save_begin(&u->save, &u->folder)) {
		u->outcome = trouble(u, "create", u->path);
		return false;
	}
	save_head(&u->save, &u->what, d->rules->share_files);
	if (save_text(d, &u->save))
		return true;
	u->outcome = trouble(u, "read", "(the message)");
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
	return u->mark != 0 && duplicates_known(&u->maildir, u->mark, window);
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

/* --- the two steps -------------------------------------------------------------------- */

/* The folder is open, the message begun. */
static void
begin_in(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *others, size_t count)
{
	u->device = d->source.device;
	u->inode = d->source.inode;
	admit_begin(&u->admission, mailbox, &u->maildir, d->mail_root);
	if (is_duplicate(d, u))
		u->outcome = outcome_make("2.0.0", "a duplicate: its Message-ID was delivered before");
	else
		u->written = may_fit(u) && write_message(d, u, others, count) && take_room(u);
	if (!u->written) {
		admit_end(&u->admission, &d->authd);
		target_close(u);
	}
}

void
delivery_begin(struct deliverer *d, const struct delivery *what, struct under_way *u, struct under_way *others, size_t count)
{
	struct mailbox mailbox;
	u->written = false;
	u->mark = 0;
	u->path = NULL;
	if (!keep_texts(u, what)) {
		u->outcome = outcome_make("4.3.0", "no memory");
		return;
	}
	u->outcome = mailbox_find(&d->authd, what->address, &mailbox);
	if (!outcome_is_done(&u->outcome))
		return;
	u->path = strdup(mailbox.maildir);
	if (u->path == NULL)
		u->outcome = outcome_make("4.3.0", "no memory");
	else if (!source_begin(&d->source, what->message, what->stream, what->offset, what->length))
		u->outcome = trouble(u, "read", "(the message)");
	else if (!target_open(d, &mailbox, u))
		u->outcome = trouble(u, "open", u->path);
	else
		begin_in(d, u, &mailbox, others, count);
}

static void
end_written(struct deliverer *d, struct under_way *u)
{
	admit_placed(&u->admission, folder_of(u), u->save.trouble == 0);
	errno = u->save.trouble;
	if (u->save.trouble != 0) {
		u->outcome = trouble(u, "write", u->path);
	} else {
		/* Where it went; whoever asked for the delivery logs it. */
		u->outcome = outcome_make("2.0.0", "saved as %s%snew/%s", u->path, u->in, u->save.name);
		if (u->mark != 0 && d->rules->duplicate_window > 0 && !duplicates_add(&u->maildir, u->mark))
			log_warning("duplicates-failed", log_text("path", u->path), log_errno());
		if (u->admission.quota.crossed > 0)
			warning_send(&u->save, &u->maildir, &u->admission.quota, u->admission.user);
	}
	admit_end(&u->admission, &d->authd);
	target_close(u);
	u->written = false;
}

void
delivery_end(struct deliverer *d, struct under_way *u)
{
	log_session("queue", u->what.id);
	if (u->written)
		end_written(d, u);
	log_session("queue", NULL);
	give_back(u);
}
