#include "imapd/metadata.h"

#include <string.h>

#include "imapd/namespace.h"
#include "imapd/special_use.h"
#include "lib/mail/imap_reply.h"

static const char *admin = "";

void
metadata_use_admin(const char *uri)
{
	admin = uri;
}

bool
metadata_admin_ok(const char *uri)
{
	for (const char *c = uri; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return *uri == '\0' || (ascii_is_alpha((unsigned char)*uri) && strchr(uri, ':') != NULL);
}

bool
metadata_find(struct session *s, struct slice mailbox, bool create, struct metadata_subject *subject)
{
	bool account = mailbox.len == 0;
	*subject = (struct metadata_subject){.mailbox = mailbox};
	if (!folders_guid(&s->maildir, account ? slice_of("INBOX") : namespace_inward(mailbox), create, &subject->guid))
		return false;
	subject->owner = (struct metadata_owner){.guid = slice_of(subject->guid.text), .account = account};
	return true;
}

/* --- what is ours ---------------------------------------------------------------------- */

/* RFC 6154 section 4: with spaces between. Data NULL: it is for nothing, or that cannot be read now. */
static struct slice
uses_of(struct session *s, struct slice folder)
{
	struct uses own;
	const char *list[SPECIAL_USES];
	struct str text = STR_MOST(128);
	size_t count = uses_read(&s->maildir, &own) ? special_use_list(&own, folder, list) : 0;
	for (size_t i = 0; i < count; i++)
		str_append_format(&text, "%s%s", i > 0 ? " " : "", list[i]);
	const char *kept = count > 0 ? scratch_copy(&s->scratch, str_slice(&text)) : NULL;
	uses_free(&own);
	str_free(&text);
	return slice_of(kept);
}

/* What no client has set: whom to ask for help (RFC 5464 section 6.2.1), what a folder is for (RFC 6154 section 4). Data NULL: nothing. */
static struct slice
given_value(struct session *s, const struct metadata_subject *subject, bool shared, struct slice name)
{
	if (subject->owner.account && shared && slice_is_nocase(name, "admin") && *admin != '\0')
		return slice_of(admin);
	if (!subject->owner.account && !shared && slice_is_nocase(name, "specialuse"))
		return uses_of(s, namespace_inward(subject->mailbox));
	return slice_make(NULL, 0);
}

static const struct {
	bool        shared;
	const char *name;
} given[] = {{true, "admin"}, {false, "specialuse"}};

/* --- one response ---------------------------------------------------------------------- */

struct telling {
	struct session                *session;
	const struct metadata_subject *subject;
	const struct metadata_request *request;
	bool                           begun;
	size_t                        *longest;
};

static void
begin_entry(struct telling *t)
{
	struct output *out = &t->session->out;
	if (t->begun) {
		output_text(out, " ");
		return;
	}
	t->begun = true;
	output_text(out, "* METADATA ");
	namespace_write(out, t->session->dialect.utf8, t->subject->mailbox);
	output_text(out, " (");
}

/* As it was asked for, or (data NULL) in full. */
static void
write_name(struct output *out, struct slice asked, bool shared, struct slice name)
{
	if (asked.data != NULL) {
		reply_string(out, asked);
		return;
	}
	struct str full = STR_MOST(METADATA_ENTRY_MOST + 16);
	str_append_text(&full, shared ? "/shared/" : "/private/");
	str_append_slice(&full, name);
	reply_string(out, str_slice(&full));
	str_free(&full);
}

static void
write_value(struct output *out, struct slice value)
{
	if (!slice_has(value, '\0')) {
		reply_string(out, value);
		return;
	}
	output_format(out, "~{%zu}\r\n", value.len);
	output_slice(out, value);
}

/* A value in bytes. */
static void
tell_value(struct telling *t, struct slice asked, bool shared, struct slice name, struct slice value)
{
	if (t->request->limited && value.len > t->request->most) {
		*t->longest = value.len > *t->longest ? value.len : *t->longest;
		return;
	}
	begin_entry(t);
	write_name(&t->session->out, asked, shared, name);
	output_text(&t->session->out, " ");
	write_value(&t->session->out, value);
}

static void
tell_entry(struct telling *t, struct slice asked, const struct metadata_entry *e)
{
	struct str value = STR_MOST(METADATA_FILE_MOST);
	/* What is too long is not taken apart. */
	size_t size = metadata_value_size(e->value);
	if (t->request->limited && size > t->request->most)
		*t->longest = size > *t->longest ? size : *t->longest;
	else if (metadata_value(&value, e->value))
		tell_value(t, asked, e->shared, e->name, slice_make(str_text(&value), value.len));
	str_free(&value);
}

static void
tell_nothing(struct telling *t, struct slice asked)
{
	begin_entry(t);
	reply_string(&t->session->out, asked);
	output_text(&t->session->out, " NIL");
}

/* --- which ------------------------------------------------------------------------------ */

/* Whether an entry lies beneath what was asked for, within its depth; not whether it is that itself. */
static bool
is_beneath(const struct metadata_request *r, const struct metadata_name *asked, bool shared, struct slice name)
{
	size_t len = asked->name.len;
	if (r->depth == METADATA_ITSELF || shared != asked->shared || name.len <= len || !slice_equal_nocase(slice_first(name, len), asked->name))
		return false;
	if (len > 0 && name.data[len] != '/')
		return false;
	return r->depth == METADATA_ALL || !slice_has(slice_from(name, len > 0 ? len + 1 : 0), '/');
}

/* The entry of that very name. */
static void
tell_itself(struct telling *t, const struct metadata_name *asked, const struct metadata_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].shared == asked->shared && slice_equal_nocase(entries[i].name, asked->name)) {
			tell_entry(t, asked->asked, &entries[i]);
			return;
		}
	struct slice value = given_value(t->session, t->subject, asked->shared, asked->name);
	if (value.data != NULL)
		tell_value(t, asked->asked, asked->shared, asked->name, value);
	else if (t->request->depth == METADATA_ITSELF)
		tell_nothing(t, asked->asked);
}

static bool
has_entry(const struct metadata_entry *entries, size_t count, bool shared, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].shared == shared && slice_is_nocase(entries[i].name, name))
			return true;
	return false;
}

static void
tell_beneath(struct telling *t, const struct metadata_name *asked, const struct metadata_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_beneath(t->request, asked, entries[i].shared, entries[i].name))
			tell_entry(t, slice_make(NULL, 0), &entries[i]);
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct slice name = slice_of(given[i].name), value = given_value(t->session, t->subject, given[i].shared, name);
		if (value.data != NULL && is_beneath(t->request, asked, given[i].shared, name) &&
		    !has_entry(entries, count, given[i].shared, given[i].name))
			tell_value(t, slice_make(NULL, 0), given[i].shared, name, value);
	}
}

void
metadata_tell(struct session *s, const struct metadata *d, const struct metadata_subject *subject,
    const struct metadata_request *r, size_t *longest)
{
	struct telling t = {.session = s, .subject = subject, .request = r, .longest = longest};
	size_t count;
	const struct metadata_entry *entries = metadata_of(d, subject->owner, &count);
	for (size_t i = 0; i < r->names.count; i++) {
		const struct metadata_name *asked = &r->names.names[i];
		if (asked->name.len > 0)
			tell_itself(&t, asked, entries, count);
		tell_beneath(&t, asked, entries, count);
	}
	if (t.begun)
		output_text(&s->out, ")\r\n");
}
