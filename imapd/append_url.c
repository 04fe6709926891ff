/* CATENATE's parts of messages that are there: RFC 4469 section 3. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "imapd/append.h"
#include "imapd/imap_url.h"
#include "imapd/namespace.h"

static bool
bad_url(struct append *a, struct slice url)
{
	struct scratch *scratch = &a->session->scratch;
	char *shown = imap_url_shown(url, scratch);
	size_t size = shown != NULL && *shown != '\0' ? strlen(shown) + sizeof "BADURL " : 0;
	char *code = size > 0 ? scratch_take(scratch, size) : NULL;
	if (code != NULL)
		snprintf(code, size, "BADURL %s", shown);
	return append_refuse(a, answer_no(code, "there is no such message or part"));
}

/* The folder that the URL before named is often the same. */
static struct folder *
open_source(struct append *a, struct slice mailbox)
{
	struct session *s = a->session;
	struct slice name = namespace_inward(mailbox);
	if (mailbox.len == 0 && !s->view.open)
		return NULL;
	if (mailbox.len == 0 || (s->view.open && slice_equal(name, slice_of(s->view.name))))
		return &s->view.folder;
	if (a->source_open && slice_equal(name, a->source_name))
		return &a->source;
	append_close_source(a);
	if (!folder_open(&a->source, &s->maildir, name, true))
		return NULL;
	a->source_open = true;
	a->source_name = name;
	return folder_refresh(&a->source) ? &a->source : NULL;
}

void
append_close_source(struct append *a)
{
	body_close(&a->body);
	if (a->source_open)
		folder_close(&a->source);
	a->source_open = false;
}

static struct message *
find_message(const struct folder *f, const struct imap_url *u)
{
	if (u->uidvalidity != 0 && u->uidvalidity != f->uidvalidity)
		return NULL;
	size_t place = folder_place_of(f, u->uid);
	struct message *m = place < f->count ? &f->messages[place] : NULL;
	return m != NULL && m->uid == u->uid && !m->vanished ? m : NULL;
}

static void
take_wire(void *context, struct slice bytes)
{
	wire_feed(context, bytes);
}

/* Its bytes as FETCH would tell them, so that an offset counts in them; line ends are the store's matter. */
static bool
copy_section(struct append *a, const struct imap_url *u)
{
	struct mime_part root = {.kind = MIME_LEAF};
	const struct mime_part *part = body_find(&a->body, &u->section, &root);
	if (part == NULL)
		return false;
	struct wire w = {.taker = {append_take, a}, .skip = u->partial ? u->offset : 0, .left = u->partial ? u->length : UINT64_MAX};
	body_feed(&a->body, &u->section, part, (struct transfer_taker){take_wire, &w});
	return true;
}

bool
append_url(struct append *a, struct slice url)
{
	struct imap_url u;
	if (!imap_url_parse(&u, url, &a->session->scratch))
		return bad_url(a, url);
	errno = ENOENT;
	struct folder *f = open_source(a, u.mailbox);
	struct message *m = f != NULL ? find_message(f, &u) : NULL;
	if (f == NULL && errno != ENOENT && errno != EINVAL)
		return append_refuse(a, answer_errno("catenate"));
	if (m == NULL)
		return bad_url(a, url);
	errno = ENOMEM;
	if (!body_open(&a->body, f, m) || (u.section.part.len > 0 && body_tree(&a->body) == NULL))
		return errno == ENOENT ? bad_url(a, url) : append_refuse(a, answer_errno("catenate"));
	if (!copy_section(a, &u))
		return bad_url(a, url);
	/* What it came to is known only now. */
	return append_expect(a, 0);
}
