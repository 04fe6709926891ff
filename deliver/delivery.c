#include "deliver/delivery.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/warning.h"
#include "lib/base/log.h"
#include "lib/store/folder.h"

/* errno of the store in words for the sender. All of it is trouble of ours, so all of it is temporary. */
static struct outcome
trouble(const struct delivery *what, const char *step, const char *path)
{
	int error = errno;
	log_error("delivery-failed", log_text("to", what->address), log_text("step", step), log_text("path", path), log_errno());
	if (error == ENOSPC)
		return outcome_make("4.3.1", "no space left for mail");
	if (error == EDQUOT)
		return outcome_make("4.2.2", "the mailbox's disk quota is used up");
	if (error == EINVAL || error == ELOOP || error == ENOTDIR)
		return outcome_make("4.3.5", "the mailbox's directory is set up wrongly");
	return outcome_make("4.2.0", "the mailbox cannot be written: %s", strerror(error));
}

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

static void
save_head(struct save *s, const struct delivery *what)
{
	save_field(s, "Return-Path: <", what->sender, ">\n");
	if (strcmp(what->original, what->address) != 0)
		save_field(s, "X-Original-To: ", what->original, "\n");
	save_field(s, "Delivered-To: ", what->address, "\n");
}

/* The part of a regular file from the offset, as long as was said or to the end that it has now. */
static bool
save_file(struct deliverer *d, const struct delivery *what)
{
	struct stat st;
	if (fstat(what->message, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode) || what->offset > (uint64_t)st.st_size) {
		errno = EIO;
		return false;
	}
	uint64_t there = (uint64_t)st.st_size - what->offset;
	if (what->length != UINT64_MAX && what->length > there) {
		errno = EIO;
		return false;
	}
	off_t at = (off_t)what->offset;
	off_t end = at + (off_t)(what->length < there ? what->length : there);
	while (at < end) {
		size_t part = end - at < (off_t)sizeof d->buffer ? (size_t)(end - at) : sizeof d->buffer;
		ssize_t n = pread(what->message, d->buffer, part, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			return false;
		}
		save_write(&d->save, d->buffer, (size_t)n);
		at += n;
	}
	return true;
}

/* mbox's line of who sent it, which some programs put before a message that they hand to an LDA. */
static struct slice
without_from_line(struct slice bytes)
{
	return slice_starts(bytes, "From ") ? slice_from(bytes, slice_find(bytes, '\n') + 1) : bytes;
}

static bool
save_stream(struct deliverer *d, const struct delivery *what)
{
	bool first = true;
	for (;;) {
		ssize_t n = read(what->message, d->buffer, sizeof d->buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		struct slice part = slice_make(d->buffer, (size_t)n);
		if (first)
			part = without_from_line(part);
		first = false;
		save_write(&d->save, part.data, part.len);
	}
}

/* Its file is in tmp/: it takes the room that it needs and becomes one of the mailbox. */
static struct outcome
place_message(struct deliverer *d, const struct delivery *what, const struct folder *inbox, const char *path)
{
	struct admission *a = &d->admission;
	struct outcome o = admit_take(a, slice_of("INBOX"), d->save.size + d->save.carriage);
	if (!outcome_is_done(&o)) {
		save_abort(&d->save);
		return o;
	}
	bool saved = save_finish(&d->save, SAVE_NEW, 0, 0, 0);
	admit_placed(a, slice_of("INBOX"), saved);
	if (!saved)
		return trouble(what, "write", path);
	/* Where it went; whoever asked for the delivery logs it. */
	o = outcome_make("2.0.0", "saved as %snew/%s", path, d->save.name);
	if (a->quota.crossed > 0)
		warning_send(&d->save, inbox, &a->quota, a->user);
	return o;
}

static struct outcome
save_message(struct deliverer *d, const struct delivery *what, const struct folder *inbox, const char *path)
{
	/* Lines end in CRLF there, so that it becomes smaller, by half at most. */
	struct outcome fits = admit_check(&d->admission, slice_of("INBOX"), what->length != UINT64_MAX ? what->length / 2 : 0);
	if (!outcome_is_done(&fits))
		return fits;
	if (!save_begin(&d->save, inbox))
		return trouble(what, "create", path);
	save_head(&d->save, what);
	if (!(what->stream ? save_stream(d, what) : save_file(d, what))) {
		struct outcome o = trouble(what, "read", "(the message)");
		save_abort(&d->save);
		return o;
	}
	return place_message(d, what, inbox, path);
}

static struct outcome
deliver_into(struct deliverer *d, const struct delivery *what, const struct mailbox *mailbox)
{
	const char *path = mailbox->maildir;
	struct maildir maildir;
	struct folder inbox;
	if (!maildir_open(&maildir, d->mail_root, path, true))
		return trouble(what, "open", path);
	struct outcome o;
	admit_begin(&d->admission, mailbox, &maildir, d->mail_root);
	if (folder_open(&inbox, &maildir, slice_of("INBOX"), true)) {
		o = save_message(d, what, &inbox, path);
		folder_close(&inbox);
	} else {
		o = trouble(what, "open", path);
	}
	admit_end(&d->admission, &d->authd);
	maildir_close(&maildir);
	return o;
}

struct outcome
deliver(struct deliverer *d, const struct delivery *what)
{
	struct mailbox mailbox;
	struct outcome o = mailbox_find(&d->authd, what->address, &mailbox);
	if (!outcome_is_done(&o))
		return o;
	return deliver_into(d, what, &mailbox);
}
