/* COPY (RFC 3501 section 6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315). */
#include "imapd/session.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "imapd/namespace.h"
#include "imapd/uidset.h"
#include "lib/base/log.h"

#define COPYUID_MOST (1 << 20)

struct copy {
	struct session *session;
	struct targets  targets;
	struct folder   to;
	uint32_t       *sources; /* indexes in the selected folder; room for all messages that are named */
	struct folder_added *copies; /* of each */
	struct uid_pair *pairs;
	size_t          count;
	const char     *code;   /* COPYUID, or NULL */
	struct slice        name;   /* of `to` */
	bool                moves;
	bool                asked;  /* room was taken */
	struct quota_amount wanted; /* what the targets come to */
	struct quota_amount made;   /* what the copies come to */
};

static bool
copy_one(struct copy *c, struct message *m, size_t index)
{
	char base[NAME_MOST + 1];
	struct folder_added *added = &c->copies[c->count];
	if (!folder_copy(&c->session->view.folder, m, &c->to, base, added)) {
		c->targets.gone = c->targets.gone || errno == ENOENT;
		return errno == ENOENT;
	}
	quota_sum(&c->made, quota_of_name(&c->session->view.folder, m));
	added->base = scratch_copy(&c->session->scratch, slice_of(base));
	c->sources[c->count++] = (uint32_t)index;
	errno = ENOMEM;
	return added->base != NULL;
}

static size_t
count_targets(const struct copy *c)
{
	struct targets t = c->targets;
	size_t index, count = 0;
	while (targets_next(c->session, &t, &index) != NULL)
		count++;
	return count;
}

/* --- the quota -------------------------------------------------------------------- */

static struct slice
source_name(const struct copy *c)
{
	return slice_of(c->session->view.name);
}

static bool
is_counted(const struct copy *c, struct slice folder)
{
	return quota_rules_count(c->session->account.quota.rules, folder);
}

static void
sum_targets(struct copy *c)
{
	struct targets t = c->targets;
	size_t index;
	for (const struct message *m; (m = targets_next(c->session, &t, &index)) != NULL;)
		quota_sum(&c->wanted, quota_of_name(&c->session->view.folder, m));
}

/* A move within what is counted needs no room: how else could the owner of a full mailbox clean up? */
static bool
take_room(struct copy *c)
{
	struct account *a = &c->session->account;
	c->asked = is_counted(c, c->name) && !(c->moves && is_counted(c, source_name(c)));
	sum_targets(c);
	if (c->asked)
		return account_take(a, c->name, c->wanted);
	quota_begin(&a->quota);
	return true;
}

static struct quota_amount
difference(struct quota_amount a, struct quota_amount b)
{
	return (struct quota_amount){a.bytes > b.bytes ? a.bytes - b.bytes : 0, a.messages > b.messages ? a.messages - b.messages : 0};
}

/* The copies are there, and of the originals `removed` are gone. */
static void
settle(struct copy *c, struct quota_amount removed)
{
	struct account *a = &c->session->account;
	if (c->asked)
		account_give(a, c->name, difference(c->wanted, c->made));
	else if (is_counted(c, c->name) && is_counted(c, source_name(c)))
		account_came(a, c->name, difference(c->made, removed));
	/* What went from one counted folder to another has changed nothing. */
	const struct quota_amount none = {0, 0};
	account_done(a, source_name(c), c->moves && !(is_counted(c, c->name) && is_counted(c, source_name(c))) ? removed : none);
	if (c->asked && c->made.messages > 0)
		session_warn(c->session);
}

/* --- the copies ------------------------------------------------------------------- */

/* Whether there is memory for as many names as long as the first: a hundred thousand copies are not undone with ease. */
static bool
names_fit(const struct copy *c, size_t count)
{
	const struct scratch *scratch = &c->session->scratch;
	size_t each = c->count > 0 ? strlen(c->copies[0].base) + 2 * sizeof(max_align_t) : 0;
	errno = ENOMEM;
	return each == 0 || count <= (scratch->limit - scratch->used) / each;
}

static bool
copy_all(struct copy *c)
{
	struct session *s = c->session;
	size_t index, count = count_targets(c);
	if (count == 0)
		return targets_next(s, &c->targets, &index) == NULL; /* notes what is gone */
	c->sources = scratch_take_array(&s->scratch, count, sizeof *c->sources);
	c->copies = scratch_take_array(&s->scratch, count, sizeof *c->copies);
	c->pairs = scratch_take_array(&s->scratch, count, sizeof *c->pairs);
	errno = ENOMEM;
	if (c->sources == NULL || c->copies == NULL || c->pairs == NULL)
		return false;
	for (struct message *m; (m = targets_next(s, &c->targets, &index)) != NULL;)
		if (!copy_one(c, m, index) || (c->count == 1 && !names_fit(c, count)))
			return false;
	return true;
}

/* COPY is all or nothing. */
static void
undo(struct copy *c)
{
	int saved = errno;
	const struct quota_amount none = {0, 0};
	if (c->count > 0 && folder_refresh(&c->to)) {
		for (size_t i = 0; i < c->count; i++) {
			struct message *m = c->copies[i].base != NULL ? folder_find_base(&c->to, c->copies[i].base) : NULL;
			if (m != NULL)
				folder_expunge(&c->to, m);
		}
	}
	account_done(&c->session->account, c->name, c->asked ? c->wanted : none);
	errno = saved;
}

/* The response code; NULL when the UIDs cannot be told: the copies are there all the same. */
static const char *
copyuid(struct copy *c, uint32_t uidvalidity)
{
	struct session *s = c->session;
	struct str text = STR_MOST(COPYUID_MOST);
	bool ok = uidvalidity != 0;
	for (size_t i = 0; ok && i < c->count; i++) {
		c->pairs[i] = (struct uid_pair){s->view.folder.messages[c->sources[i]].uid, c->copies[i].uid};
		ok = c->copies[i].uid != 0;
	}
	ok = ok && uidset_copyuid(&text, uidvalidity, c->pairs, c->count);
	const char *code = ok ? scratch_copy(&s->scratch, str_slice(&text)) : NULL;
	str_free(&text);
	return code;
}

/* All copies, durable, with their UIDs. False with errno: undo(). */
static bool
copy_durably(struct copy *c)
{
	uint32_t uidvalidity;
	if (!copy_all(c))
		return false;
	if (c->count == 0)
		return true;
	if (!folder_number(&c->to, c->copies, c->count, &uidvalidity))
		return false;
	c->code = copyuid(c, uidvalidity);
	return true;
}

/* False: *answer says why. */
static bool
begin(struct session *s, struct parser *p, bool moves, struct copy *c, struct answer *answer)
{
	*c = (struct copy){.session = s, .moves = moves};
	if (!targets_parse(s, p, &c->targets, answer))
		return false;
	*answer = answer_bad(p->error);
	if (!parse_space(p) || !namespace_parse(p, &c->name) || !parse_end(p)) {
		*answer = answer_bad(p->error);
		return false;
	}
	if (!targets_resolve(s, &c->targets)) {
		*answer = answer_bad("there is no such message");
		return false;
	}
	/* For reading only: what lies in its new/ stays new for a session that selects it. */
	if (folder_open(&c->to, &s->maildir, c->name, true)) {
		bool ready = folder_number_begin(&c->to);
		if (ready && take_room(c))
			return true;
		*answer = ready ? answer_over_quota() : answer_errno("copy");
		folder_close(&c->to);
		return false;
	}
	*answer = errno == ENOENT ? answer_no("TRYCREATE", "there is no such folder") : answer_errno("copy");
	return false;
}

static struct answer
finish(const struct copy *c, const char *code)
{
	if (c->targets.gone && c->count == 0)
		return answer_no("EXPUNGEISSUED", "the messages are gone");
	return answer_ok_code(code, "done");
}

struct answer
cmd_copy(struct session *s, struct parser *p)
{
	struct copy c;
	struct answer answer;
	if (!begin(s, p, false, &c, &answer))
		return answer;
	if (copy_durably(&c)) {
		settle(&c, (struct quota_amount){0, 0});
		answer = finish(&c, c.code);
	} else {
		undo(&c);
		answer = answer_errno("copy");
	}
	folder_close(&c.to);
	s->view.own_change = true;
	return answer;
}

/* As one change: the locks are taken and others see it once. The target's are free again. */
static bool
expunge_originals(struct copy *c, struct quota_amount *removed)
{
	struct folder *from = &c->session->view.folder;
	bool ok = true, gone;
	*removed = (struct quota_amount){0, 0};
	folder_change_begin(from);
	for (size_t i = 0; ok && i < c->count; i++) {
		struct message *m = &from->messages[c->sources[i]];
		struct quota_amount size = quota_of_name(from, m);
		ok = folder_remove(from, m, &gone);
		if (ok && gone)
			quota_sum(removed, size);
	}
	int trouble = errno;
	folder_change_end(from);
	errno = trouble;
	return ok;
}

/* The copies are durable before the first original goes. */
static struct answer
remove_originals(struct copy *c)
{
	struct session *s = c->session;
	/* RFC 6851 section 4.3: told before the EXPUNGEs, as the numbers of the command's messages end there. */
	if (c->code != NULL) {
		output_text(&s->out, "* OK [");
		output_text(&s->out, c->code);
		output_text(&s->out, "] moved\r\n");
	}
	struct quota_amount removed;
	bool ok = expunge_originals(c, &removed);
	settle(c, removed);
	return ok ? finish(c, c->count > 0 ? answer_highest : NULL) : answer_errno("move");
}

struct answer
cmd_move(struct session *s, struct parser *p)
{
	struct copy c;
	struct answer answer;
	if (s->view.folder.read_only)
		return answer_no("READ-ONLY", "the folder is open for reading only");
	if (!begin(s, p, true, &c, &answer))
		return answer;
	if (copy_durably(&c)) {
		answer = remove_originals(&c);
	} else {
		undo(&c);
		answer = answer_errno("move");
	}
	folder_close(&c.to);
	s->view.own_change = true;
	return answer;
}
