/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: RFC 9051 sections 6.3.4 to 6.3.8; CREATE with USE: RFC 6154 section 3. */
#include "imapd/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "imapd/flags.h"
#include "imapd/names.h"
#include "imapd/namespace.h"
#include "imapd/notify.h"
#include "imapd/objectid.h"
#include "imapd/special_use.h"
#include "lib/base/log.h"
#include "lib/store/folders.h"
#include "lib/store/metadata.h"
#include "lib/store/subscriptions.h"

/* RFC 9051 section 6.3.4. */
static const char not_composed[] = "the name is not in Unicode's normal form C, or has a line separator";

static bool
parse_name(struct parser *p, struct slice *name)
{
	return parse_space(p) && namespace_parse(p, name);
}

struct wanted_uses {
	struct slice names[FLAGS_MOST];
	size_t       said;
	const char  *uses[SPECIAL_USES];
	size_t       count;
};

/* [SP "(" "USE" SP "(" [attribute *(SP attribute)] ")" ")"] */
static bool
parse_uses(struct parser *p, struct wanted_uses *w)
{
	*w = (struct wanted_uses){.count = 0};
	if (!parse_maybe(p, ' '))
		return true;
	if (!parse_byte(p, '('))
		return false;
	if (!parse_word(p, "USE"))
		return parse_fail(p, "there is an unknown parameter");
	return parse_space(p) && parse_flag_list(p, false, w->names, FLAGS_MOST, &w->said) && parse_byte(p, ')');
}

static bool
has_use(const struct wanted_uses *w, const char *use)
{
	bool has = false;
	for (size_t i = 0; i < w->count && !has; i++)
		has = w->uses[i] == use;
	return has;
}

/* Each once. False: one that we do not give. */
static bool
know_uses(struct wanted_uses *w)
{
	for (size_t i = 0; i < w->said; i++) {
		const char *use = special_use_find(w->names[i]);
		if (use == NULL)
			return false;
		if (!has_use(w, use))
			w->uses[w->count++] = use;
	}
	return true;
}

/* RFC 8474 section 4.1. A folder is there without its id, too, which whoever opens it will give. */
static struct answer
created(struct session *s, struct slice name)
{
	struct folder f;
	const char *code = NULL;
	notify_own_change(s, name, false);
	if (folder_open(&f, &s->maildir, name, true)) {
		code = folder_refresh(&f) ? objectid_folder_code(s, &f) : NULL;
		folder_close(&f);
	}
	return answer_ok_code(code, "created");
}

/* RFC 6154 section 3: without its use it may not be there either. */
static struct answer
create(struct session *s, struct slice name, const struct wanted_uses *w)
{
	if (!folders_create(&s->maildir, name))
		return answer_errno("create");
	if (uses_set(&s->maildir, name, w->uses, w->count))
		return created(s, name);
	int trouble = errno;
	if (w->count > 0)
		folders_delete(&s->maildir, name);
	errno = trouble;
	if (w->count > 0 && errno == EFBIG)
		return answer_no("LIMIT", "there are too many folders that are for something");
	return w->count > 0 ? answer_errno("create") : created(s, name);
}

struct answer
cmd_create(struct session *s, struct parser *p)
{
	struct slice name;
	struct wanted_uses w;
	if (!parse_name(p, &name) || !parse_uses(p, &w) || !parse_end(p))
		return answer_bad(p->error);
	/* A separator at the end says that folders beneath it will be made: nothing needs to be done for that. */
	if (slice_ends(name, ".") && name.len > 1)
		name.len--;
	if (folders_is_inbox(name))
		return answer_no("ALREADYEXISTS", "INBOX is always there");
	if (!namespace_may_be_made(s->dialect.utf8, name))
		return answer_no("CANNOT", not_composed);
	if (!know_uses(&w))
		return answer_no("USEATTR", "a folder can be for \\Archive, \\Drafts, \\Junk, \\Sent or \\Trash");
	return create(s, name, &w);
}

/* Whether the selected folder is this one. */
static bool
is_selected(const struct session *s, struct slice name)
{
	return s->view.open && slice_equal(slice_of(s->view.name), name);
}

/* A level above folders, which is none itself, or one that is not there at all. */
static struct answer
refuse_delete(struct session *s, struct slice name)
{
	struct folder_names names;
	if (errno != ENOENT)
		return answer_errno("delete");
	bool level = folders_list(&s->maildir, &names) && names_beneath(&names, name) < names.count;
	folders_free(&names);
	errno = ENOENT;
	return level ? answer_no("HASCHILDREN", "this is no folder, there are only folders beneath it") : answer_errno("delete");
}

/* What was said of it goes with it (RFC 5464 section 4.1); what stays is nobody's, for its GUID does not come again. */
static bool
delete(struct session *s, struct slice name)
{
	struct guid guid;
	bool known = folders_guid(&s->maildir, name, false, &guid) && guid.text[0] != '\0';
	if (!folders_delete(&s->maildir, name))
		return false;
	if (known && !metadata_forget(&s->maildir, slice_of(guid.text)))
		log_warning("annotations-not-removed", log_slice("folder", name), log_errno(), log_text("hint", "harmless: nobody sees them"));
	return true;
}

struct answer
cmd_delete(struct session *s, struct parser *p)
{
	struct slice name;
	if (!parse_name(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	if (folders_is_inbox(name))
		return answer_no("CANNOT", "INBOX cannot be deleted");
	if (is_selected(s, name))
		session_leave_folder(s);
	const struct quota_amount none = {0, 0};
	quota_begin(&s->account.quota);
	struct quota_amount held = quota_of_folder(&s->account.quota, name);
	bool deleted = delete(s, name);
	int trouble = errno;
	account_done(&s->account, name, deleted ? held : none);
	errno = trouble;
	if (!deleted)
		return refuse_delete(s, name);
	/* What is left in the list of a folder that is gone harms nobody. */
	uses_set(&s->maildir, name, NULL, 0);
	notify_own_change(s, name, false);
	return answer_ok("deleted");
}

static bool
is_beneath(struct slice name, struct slice parent)
{
	return name.len > parent.len && name.data[parent.len] == '.' && slice_equal(slice_first(name, parent.len), parent);
}

/* The selected folder stays the same one under another name. */
static void
follow(struct view *v, struct slice from, struct slice to)
{
	struct slice name = slice_of(v->name);
	if (!v->open || folders_is_inbox(from) || !(slice_equal(name, from) || is_beneath(name, from)))
		return;
	char renamed[sizeof v->name];
	int len = snprintf(renamed, sizeof renamed, "%.*s%s", (int)to.len, to.data, v->name + from.len);
	if (len > 0 && (size_t)len < sizeof renamed)
		memcpy(v->name, renamed, (size_t)len + 1);
}

struct answer
cmd_rename(struct session *s, struct parser *p)
{
	struct slice from, to;
	if (!parse_name(p, &from) || !parse_name(p, &to) || !parse_end(p))
		return answer_bad(p->error);
	if (folders_is_inbox(to))
		return answer_no("ALREADYEXISTS", "INBOX is always there");
	if (!namespace_may_be_made(s->dialect.utf8, to))
		return answer_no("CANNOT", not_composed);
	if (is_beneath(to, from))
		return answer_no("CANNOT", "a folder cannot be moved beneath itself");
	if (!folders_rename(&s->maildir, from, to))
		return answer_errno("rename");
	/* Where some folders are not counted, others may be so now. */
	if (s->account.quota.rules->count > 0)
		quota_forget(&s->account.quota);
	follow(&s->view, from, to);
	if (!folders_is_inbox(from))
		uses_rename(&s->maildir, from, to);
	notify_own_change(s, from, true);
	notify_own_change(s, to, true);
	return answer_ok("renamed");
}

static struct answer
subscribe(struct session *s, struct parser *p, bool on)
{
	struct slice name;
	if (!parse_name(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	if (!subscriptions_set(&s->maildir, name, on))
		return answer_errno("subscribe");
	notify_own_change(s, name, false);
	return answer_ok("done");
}

struct answer
cmd_subscribe(struct session *s, struct parser *p)
{
	return subscribe(s, p, true);
}

struct answer
cmd_unsubscribe(struct session *s, struct parser *p)
{
	return subscribe(s, p, false);
}
