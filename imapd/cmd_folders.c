/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: RFC 3501 sections 6.3.3 to 6.3.7. */
#include "imapd/session.h"

#include <stdio.h>
#include <string.h>

#include "imapd/namespace.h"
#include "imapd/objectid.h"
#include "lib/base/log.h"
#include "lib/store/folders.h"
#include "lib/store/metadata.h"
#include "lib/store/subscriptions.h"

static bool
parse_name(struct parser *p, struct slice *name)
{
	return parse_space(p) && namespace_parse(p, name);
}

/* RFC 8474 section 4.1. A folder is there without its id, too, which whoever opens it will give. */
static struct answer
created(struct session *s, struct slice name)
{
	struct folder f;
	const char *code = NULL;
	if (folder_open(&f, &s->maildir, name, true)) {
		code = folder_refresh(&f) ? objectid_folder_code(s, &f) : NULL;
		folder_close(&f);
	}
	return answer_ok_code(code, "created");
}

struct answer
cmd_create(struct session *s, struct parser *p)
{
	struct slice name;
	if (!parse_name(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	/* A separator at the end says that folders beneath it will be made: nothing needs to be done for that. */
	if (slice_ends(name, ".") && name.len > 1)
		name.len--;
	if (folders_is_inbox(name))
		return answer_no("ALREADYEXISTS", "INBOX is always there");
	return folders_create(&s->maildir, name) ? created(s, name) : answer_errno("create");
}

/* Whether the selected folder is this one. */
static bool
is_selected(const struct session *s, struct slice name)
{
	return s->view.open && slice_equal(slice_of(s->view.name), name);
}

static void
leave(struct session *s)
{
	body_close(&s->body);
	view_close(&s->view);
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
		leave(s);
	const struct quota_amount none = {0, 0};
	quota_begin(&s->account.quota);
	struct quota_amount held = quota_of_folder(&s->account.quota, name);
	bool deleted = delete(s, name);
	account_done(&s->account, name, deleted ? held : none);
	return deleted ? answer_ok("deleted") : answer_errno("delete");
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
	if (is_beneath(to, from))
		return answer_no("CANNOT", "a folder cannot be moved beneath itself");
	if (!folders_rename(&s->maildir, from, to))
		return answer_errno("rename");
	/* Where some folders are not counted, others may be so now. */
	if (s->account.quota.rules->count > 0)
		quota_forget(&s->account.quota);
	follow(&s->view, from, to);
	return answer_ok("renamed");
}

static struct answer
subscribe(struct session *s, struct parser *p, bool on)
{
	struct slice name;
	if (!parse_name(p, &name) || !parse_end(p))
		return answer_bad(p->error);
	return subscriptions_set(&s->maildir, name, on) ? answer_ok("done") : answer_errno("subscribe");
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
