#include "deliver/delivery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/forward.h"
#include "deliver/sieve.h"
#include "deliver/target.h"
#include "deliver/warning.h"
#include "lib/base/log.h"
#include "lib/mail/header.h"
#include "lib/store/duplicates.h"

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

/* --- one folder ------------------------------------------------------------------------- */

/* Flags and keywords that a script gave. One that cannot be a keyword, or for which no letter is left, is left out. */
static void
set_flags(struct under_way *u, const struct plan_store *s)
{
	struct slice rest = slice_of(s->keywords), keyword;
	if (!u->written || (s->flags == 0 && rest.len == 0))
		return;
	u->save.flags = s->flags;
	while (slice_split(&rest, ' ', &keyword)) {
		int letter = folder_keyword(&u->folder, keyword, true);
		if (letter >= 0)
			u->save.keywords |= 1u << letter;
	}
	u->save.place = SAVE_CUR;
}

/* The Maildir is open, the message begun. `written` says whether it lies in tmp/; if not, all is closed. */
static void
begin_in(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *all)
{
	if (!target_open_folder(d, mailbox, u)) {
		u->outcome = trouble(u, "open", u->path);
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

static void
begin_store(struct deliverer *d, struct under_way *u, const struct plan_store *s, const struct mailbox *mailbox, struct under_way *all)
{
	const char *asked_for = u->what.folder;
	if (s->folder != NULL) {
		u->scripted = true;
		u->creates = s->create || sieve_config.create;
		u->what.folder = s->folder;
	}
	begin_in(d, u, mailbox, all);
	u->what.folder = asked_for;
	set_flags(u, s);
}

/* Nothing of what was written shall be there. */
static void
take_back(struct deliverer *d, struct under_way *u)
{
	if (!u->written)
		return;
	save_abort(&u->save);
	admit_placed(&u->admission, folder_of(u), false);
	admit_end(&u->admission, &d->authd);
	target_close(u);
	u->written = false;
}

/* --- further folders of a script ------------------------------------------------------------ */

/* Another copy for the same recipient: its own Maildir, folder and save, the texts of the first. */
static bool
begin_extra(struct deliverer *d, const struct under_way *lead, struct under_way *u, const struct mailbox *mailbox)
{
	u->written = u->scripted = u->creates = false;
	u->extra = true;
	u->mark = 0;
	u->what = lead->what;
	u->texts = NULL;
	u->outcome = outcome_done();
	u->path = strdup(lead->path);
	if (u->path == NULL)
		u->outcome = outcome_make("4.3.0", "no memory");
	else if (!source_begin(&d->source, u->what.message, u->what.stream, u->what.offset, u->what.length))
		u->outcome = trouble(u, "read", "(the message)");
	else if (target_open(d, mailbox, u))
		return true;
	else
		u->outcome = trouble(u, "open", u->path);
	return false;
}

/* Two names may lead to one folder, INBOX above all: one copy is enough. */
static bool
is_there_already(const struct under_way *lead, const struct under_way *u)
{
	for (const struct under_way *o = lead; o < u; o++)
		if (o->written && strcmp(o->in, u->in) == 0)
			return true;
	return false;
}

static bool
is_well(const struct under_way *u)
{
	return u->written || outcome_is_done(&u->outcome);
}

static size_t
begin_extras(struct deliverer *d, struct under_way *lead, const struct mailbox *mailbox, struct under_way *all)
{
	size_t used = 1;
	for (size_t i = 1; i < d->plan.store_count && is_well(lead); i++) {
		struct under_way *u = lead + used;
		if (begin_extra(d, lead, u, mailbox))
			begin_store(d, u, &d->plan.stores[i], mailbox, all);
		if (u->written && is_there_already(lead, u)) {
			take_back(d, u);
			give_back(u);
			continue;
		}
		used++;
		if (!is_well(u)) {
			lead->outcome = u->outcome;
			take_back(d, lead);
		}
	}
	return used;
}

/* --- what a script wants done ------------------------------------------------------------------ */

/* When the queue has what is sent on, the copies may be finished; if not, none is. */
static size_t
send_on(struct deliverer *d, struct under_way *lead, size_t used)
{
	struct outcome o = forward_all(d, lead, &d->plan);
	if (outcome_is_done(&o))
		return used;
	for (size_t i = 0; i < used; i++)
		take_back(d, lead + i);
	for (size_t i = 1; i < used; i++)
		give_back(lead + i);
	lead->outcome = o;
	return 1;
}

/* Into no folder: it is refused, thrown away, or sent elsewhere. */
static size_t
begin_nowhere(struct deliverer *d, struct under_way *u)
{
	u->outcome = outcome_make("2.0.0", "%s by the recipient's script", d->plan.redirect_count > 0 ? "redirected" : "discarded");
	if (d->plan.refusal != NULL)
		u->outcome = outcome_make("5.7.1", "%s", d->plan.refusal);
	else
		send_on(d, u, 1);
	maildir_close(&u->maildir);
	return 1;
}

static size_t
begin_planned(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *all)
{
	if (d->plan.refusal != NULL || d->plan.store_count == 0)
		return begin_nowhere(d, u);
	begin_store(d, u, &d->plan.stores[0], mailbox, all);
	size_t used = is_well(u) ? begin_extras(d, u, mailbox, all) : 1;
	/* An extra that failed has taken the first one back. */
	for (size_t i = 1; i < used && !is_well(u); i++)
		take_back(d, u + i);
	/* What was sent on for the first of two duplicates is not sent again. */
	return u->written ? send_on(d, u, used) : used;
}

static size_t
begin_open(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *all)
{
	if (sieve_config.on)
		u->outcome = sieve_plan(d, u, mailbox->maildir, &d->plan);
	else
		plan_keep(&d->plan);
	if (outcome_is_done(&u->outcome))
		return begin_planned(d, u, mailbox, all);
	maildir_close(&u->maildir);
	return 1;
}

/* --- the two steps ------------------------------------------------------------------------------- */

size_t
delivery_begin(struct deliverer *d, const struct delivery *what, struct under_way *all, size_t count)
{
	struct mailbox mailbox;
	struct under_way *u = &all[count];
	size_t used = 1;
	u->written = u->extra = u->scripted = u->creates = false;
	u->mark = 0;
	u->path = NULL;
	if (!keep_texts(u, what)) {
		u->outcome = outcome_make("4.3.0", "no memory");
		return 1;
	}
	u->outcome = mailbox_find(&d->authd, what->address, &mailbox);
	if (!outcome_is_done(&u->outcome))
		return 1;
	u->path = strdup(mailbox.maildir);
	if (u->path == NULL)
		u->outcome = outcome_make("4.3.0", "no memory");
	else if (!source_begin(&d->source, what->message, what->stream, what->offset, what->length))
		u->outcome = trouble(u, "read", "(the message)");
	else if (!target_open(d, &mailbox, u))
		u->outcome = trouble(u, "open", u->path);
	else
		used = begin_open(d, u, &mailbox, all);
	plan_free(&d->plan);
	return used;
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

void
delivery_end(struct deliverer *d, struct under_way *u)
{
	log_session("queue", u->what.id);
	if (u->written)
		end_written(d, u);
	log_session("queue", NULL);
	give_back(u);
}
