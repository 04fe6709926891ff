#include "deliver/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "deliver/copy.h"
#include "deliver/forward.h"
#include "deliver/sieve.h"
#include "deliver/target.h"
#include "lib/base/log.h"

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

static void
begin_store(struct deliverer *d, struct under_way *u, const struct plan_store *s, const struct mailbox *mailbox, struct under_way *all)
{
	const char *asked_for = u->what.folder;
	if (s->folder != NULL) {
		u->scripted = true;
		u->creates = s->create || sieve_config.create;
		u->what.folder = s->folder;
	}
	copy_begin(d, u, mailbox, all);
	u->what.folder = asked_for;
	set_flags(u, s);
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
		u->outcome = copy_trouble(u, "read", "(the message)");
	else if (target_open(d, mailbox, u))
		return true;
	else
		u->outcome = copy_trouble(u, "open", u->path);
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
			copy_take_back(d, u);
			give_back(u);
			continue;
		}
		used++;
		if (!is_well(u)) {
			lead->outcome = u->outcome;
			copy_take_back(d, lead);
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
		copy_take_back(d, lead + i);
	for (size_t i = 1; i < used; i++)
		give_back(lead + i);
	lead->outcome = o;
	return 1;
}

/* Whoever delivers tells the sender, or a message has told him. */
static struct outcome
refuse(const struct under_way *u, const struct plan *p)
{
	if (p->answer == NULL)
		return outcome_make("5.7.1", "%s", p->refusal);
	struct outcome o = forward_refusal(u, p);
	return outcome_is_done(&o) ? outcome_make("2.0.0", "rejected by the recipient's script, and its sender told so") : o;
}

/* Into no folder: it is refused, thrown away, or sent elsewhere. */
static size_t
begin_nowhere(struct deliverer *d, struct under_way *u)
{
	u->outcome = outcome_make("2.0.0", "%s by the recipient's script", d->plan.redirect_count > 0 ? "redirected" : "discarded");
	if (d->plan.refusal != NULL)
		u->outcome = refuse(u, &d->plan);
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
		copy_take_back(d, u + i);
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
		u->outcome = copy_trouble(u, "read", "(the message)");
	else if (!target_open(d, &mailbox, u))
		u->outcome = copy_trouble(u, "open", u->path);
	else
		used = begin_open(d, u, &mailbox, all);
	plan_free(&d->plan);
	return used;
}

void
delivery_end(struct deliverer *d, struct under_way *u)
{
	log_session("queue", u->what.id);
	if (u->written)
		copy_end(d, u);
	log_session("queue", NULL);
	give_back(u);
}
