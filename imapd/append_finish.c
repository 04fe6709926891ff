#include "imapd/append.h"

#include <errno.h>

#include "imapd/uidset.h"

#define APPENDUID_MOST (1 << 20)

static struct quota_amount
size_of_all(const struct append *a)
{
	return (struct quota_amount){a->group.size + append_save.size, a->group.count + 1};
}

/* What is replaced makes room for what replaces it: it is counted no more, and again when it stays. */
static void
count_exchanged(struct append *a, bool again)
{
	struct account *account = &a->session->account;
	const struct quota_amount none = {0, 0};
	if (a->exchanged.messages == 0)
		return;
	quota_begin(&account->quota);
	if (again)
		account_came(account, a->name, a->exchanged);
	else
		account_give(account, a->name, a->exchanged);
	account_done(account, a->name, none);
}

void
append_keep_exchanged(struct append *a)
{
	count_exchanged(a, true);
}

static bool
take_room(struct append *a, struct quota_amount size)
{
	count_exchanged(a, false);
	if (account_take(&a->session->account, a->name, size))
		return true;
	count_exchanged(a, true);
	return append_refuse(a, answer_over_quota());
}

/* The last one, and those before it. One alone is durable only when it has its number. */
static bool
place(struct append *a)
{
	struct save *s = &append_save;
	if (a->group.count == 0)
		return save_place(s, SAVE_CUR, s->flags, s->keywords, s->date);
	struct save_parked *p = scratch_take(&a->session->scratch, sizeof *p);
	errno = ENOMEM;
	return p != NULL && save_group_add(&a->group, s, p) && save_group_finish(&a->group);
}

static void
name_added(const struct append *a, struct folder_added *added)
{
	if (a->group.count == 0)
		*added = (struct folder_added){.base = append_save.name, .flags = append_save.flags, .keywords = append_save.keywords};
	for (const struct save_parked *p = a->group.first; p != NULL; p = p->next)
		*added++ = (struct folder_added){.base = p->name, .flags = p->flags, .keywords = p->keywords};
}

static bool
number(struct append *a, struct folder_added *added, size_t count, uint32_t *uidvalidity)
{
	name_added(a, added);
	if (a->group.count == 0)
		return folder_number_saved(a->to, &append_save, added, uidvalidity);
	return folder_number(a->to, added, count, uidvalidity);
}

/*
 * "APPENDUID validity uids", or NULL when they are not known: the messages are
 * there all the same, unless one alone could not be made durable (append_save.trouble).
 */
static const char *
appenduid(struct append *a)
{
	struct scratch *scratch = &a->session->scratch;
	size_t count = a->group.count > 0 ? a->group.count : 1;
	struct folder_added one = {.uid = 0}, *added = count == 1 ? &one : scratch_take_array(scratch, count, sizeof *added);
	struct uid_pair *pairs = scratch_take_array(scratch, count, sizeof *pairs);
	uint32_t uidvalidity;
	bool ok = added != NULL && number(a, added, count, &uidvalidity) && uidvalidity != 0;
	if (!ok || pairs == NULL)
		return NULL;
	for (size_t i = 0; ok && i < count; i++) {
		pairs[i].to = added[i].uid;
		ok = added[i].uid != 0;
	}
	struct str text = STR_MOST(APPENDUID_MOST);
	ok = ok && uidset_appenduid(&text, uidvalidity, pairs, count);
	const char *code = ok ? scratch_copy(scratch, str_slice(&text)) : NULL;
	str_free(&text);
	return code;
}

bool
append_finish(struct append *a, const char **code)
{
	struct account *account = &a->session->account;
	save_complete(&append_save);
	const struct quota_amount size = size_of_all(a), none = {0, 0};
	if (!folder_number_begin(a->to))
		return append_refuse(a, answer_errno("append"));
	if (!take_room(a, size))
		return false;
	bool placed = place(a);
	*code = placed ? appenduid(a) : NULL;
	placed = placed && append_save.trouble == 0;
	account_done(account, a->name, placed ? none : size);
	if (!placed) {
		errno = append_save.trouble != 0 ? append_save.trouble : errno;
		count_exchanged(a, true);
		return append_refuse(a, answer_errno("append"));
	}
	/* They are the folder's now. */
	a->group = (struct save_group){.tmp = a->group.tmp, .cur = a->group.cur};
	a->session->view.news = true;
	session_warn(a->session);
	return true;
}
