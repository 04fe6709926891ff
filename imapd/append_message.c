#include "imapd/append.h"

#include <errno.h>
#include <unistd.h>

#include "imapd/namespace.h"
#include "lib/base/file.h"

struct save append_save;

static bool
is_selected(const struct append *a)
{
	const struct view *v = &a->session->view;
	return v->open && !v->folder.read_only && slice_equal(a->name, slice_of(v->name));
}

static bool
open_target(struct append *a)
{
	struct session *s = a->session;
	a->name = namespace_inward(a->name);
	if (is_selected(a))
		a->to = &s->view.folder;
	else if (folder_open(&a->own, &s->maildir, a->name, true))
		a->to = &a->own;
	else
		return append_refuse(a, errno == ENOENT ? answer_no("TRYCREATE", "there is no such folder") : answer_errno("append"));
	save_group_begin(&a->group, a->to);
	return true;
}

/* A letter for a new keyword must be in no message's name. */
static bool
know_keywords(struct append *a, const struct slice *flags, size_t count)
{
	for (size_t i = 0; a->to == &a->own && i < count; i++)
		if (!slice_starts(flags[i], "\\") && folder_keyword(a->to, flags[i], false) < 0)
			return folder_refresh(a->to);
	return true;
}

/* There is another one: the one before it makes room for it. */
static bool
park(struct append *a)
{
	if (!a->held)
		return true;
	struct save_parked *p = scratch_take(&a->session->scratch, sizeof *p);
	errno = ENOMEM;
	a->held = false;
	return (p != NULL && save_group_add(&a->group, &append_save, p)) || append_refuse(a, answer_errno("append"));
}

bool
append_begin_message(struct append *a, const struct slice *flags, size_t count, time_t date)
{
	struct flag_set set;
	const char *error = NULL;
	if ((a->to == NULL && !open_target(a)) || !park(a))
		return false;
	if (!know_keywords(a, flags, count))
		return append_refuse(a, answer_errno("append"));
	if (!flags_resolve(a->to, flags, count, true, &set, &error))
		return append_refuse(a, answer_bad(error));
	if (!save_begin(&append_save, a->to))
		return append_refuse(a, answer_errno("append"));
	a->begun = true;
	append_save.flags = set.flags;
	append_save.keywords = set.keywords;
	append_save.date = date;
	a->taken = 0;
	a->trouble = 0;
	return true;
}

bool
append_expect(struct append *a, uint64_t size)
{
	if (size > a->session->append_most || a->taken > a->session->append_most - size)
		return append_refuse(a, answer_no("TOOBIG", "the message is too large"));
	/* In the Maildir it is smaller, by half at most: of each CRLF there is one byte. */
	uint64_t all = a->group.size + (a->taken + size) / 2, gone = a->exchanged.bytes;
	const struct quota_amount need = {all > gone ? all - gone : 0, a->group.count + 1 - a->exchanged.messages};
	if (account_check(&a->session->account, a->name, need))
		return true;
	return append_refuse(a, answer_over_quota());
}

bool
append_expect_eight(struct append *a)
{
	a->spool = save_spool(a->to);
	return a->spool >= 0 || append_refuse(a, answer_errno("append"));
}

void
append_take(void *append, struct slice bytes)
{
	struct append *a = append;
	a->taken += bytes.len;
	a->nul = a->nul || (a->eight && slice_has(bytes, '\0'));
	if (a->spool < 0)
		save_write(&append_save, bytes.data, bytes.len);
	else if (a->trouble == 0 && !file_write_all(a->spool, bytes.data, bytes.len))
		a->trouble = errno;
}

bool
append_end_message(struct append *a)
{
	if (a->nul)
		return append_refuse(a, answer_no("UNKNOWN-CTE", "a part of CATENATE cannot hold a NUL"));
	if (a->spool >= 0 && !append_convert(a))
		return false;
	if (append_save.size == 0 && !append_save.carriage)
		return append_refuse(a, answer_no("CANNOT", "the message is empty"));
	a->held = true;
	return true;
}
