#include "deliver/sieve_talk.h"

#include <stdlib.h>
#include <string.h>

#include "deliver/target.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "lib/mail/address.h"
#include "lib/store/folders.h"
#include "lib/store/name.h"

#define PATIENCE      60000 /* ms for an answer: it has two seconds of processor time, and others have the processor as well */
#define PIECE         32768
#define KEYWORDS_TEXT 2000  /* bytes of all keywords of a message */
#define WINDOW_MOST   (366u * 86400)

static struct packet packet;

/* --- there -------------------------------------------------------------------------------- */

bool
sieve_talk_send(const struct sieve_talk *t, const char *verb, const char *name, struct slice bytes)
{
	do {
		struct slice piece = slice_first(bytes, PIECE);
		packet_begin(&packet, verb);
		if (name != NULL)
			packet_add_text(&packet, name);
		packet_add_rest(&packet, piece);
		if (packet_send_wait(t->socket, &packet, PATIENCE) != PACKET_OK)
			return false;
		bytes = slice_from(bytes, piece.len);
	} while (bytes.len > 0);
	return true;
}

/* --- and back: each returns false for what is no answer ------------------------------------- */

static const struct {
	const char *name;
	uint8_t     flag;
} system_flags[] = {
    {"\\Seen", FLAG_SEEN}, {"\\Answered", FLAG_ANSWERED}, {"\\Flagged", FLAG_FLAGGED}, {"\\Deleted", FLAG_DELETED},
    {"\\Draft", FLAG_DRAFT}, {"$Forwarded", FLAG_PASSED},
};

static uint8_t
system_flag(const char *name)
{
	for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
		if (slice_is_nocase(slice_of(name), system_flags[i].name))
			return system_flags[i].flag;
	return 0;
}

/* The fields that are left. What IMAP could not show is left out by the store. */
static bool
take_flags(struct plan_store *s)
{
	struct str keywords = STR_MOST(KEYWORDS_TEXT);
	const char *flag;
	while ((flag = packet_field(&packet)) != NULL) {
		uint8_t known = system_flag(flag);
		s->flags |= known;
		if (known == 0 && flag[0] != '\\' && str_append_text(&keywords, flag))
			str_append_byte(&keywords, ' ');
	}
	s->keywords = keywords.len > 0 ? strdup(str_text(&keywords)) : NULL;
	bool ok = keywords.len == 0 || s->keywords != NULL;
	str_free(&keywords);
	return ok;
}

static bool
take_store(struct plan *p, const char *folder, bool create)
{
	if (p->store_count == PLAN_STORES_MOST)
		return false;
	struct plan_store *s = &p->stores[p->store_count++];
	*s = (struct plan_store){.folder = folder != NULL ? strdup(folder) : NULL, .create = create};
	return take_flags(s) && (folder == NULL || s->folder != NULL);
}

static bool
on_keep(const struct sieve_talk *t, struct plan *p)
{
	(void)t;
	return take_store(p, NULL, false);
}

static bool
on_fileinto(const struct sieve_talk *t, struct plan *p)
{
	(void)t;
	const char *folder = packet_field(&packet), *create = packet_field(&packet);
	return create != NULL && take_store(p, folder, strcmp(create, "create") == 0);
}

static bool
on_redirect(const struct sieve_talk *t, struct plan *p)
{
	(void)t;
	struct address a;
	const char *address = packet_field(&packet);
	if (address == NULL || p->redirect_count == PLAN_REDIRECTS_MOST || address_parse(slice_of(address), ADDRESS_UTF8, &a) != ADDRESS_OK)
		return false;
	p->redirects[p->redirect_count] = strdup(a.text);
	return p->redirects[p->redirect_count++] != NULL;
}

static bool
take_answer(struct plan *p, struct slice text)
{
	p->answer = malloc(text.len + 1);
	p->answer_len = text.len;
	if (p->answer != NULL)
		memcpy(p->answer, text.data, text.len);
	return p->answer != NULL;
}

static bool
on_reject(const struct sieve_talk *t, struct plan *p)
{
	(void)t;
	const char *text = packet_field(&packet);
	if (text == NULL || p->refusal != NULL)
		return false;
	p->refusal = strdup(text[0] != '\0' ? text : "refused by the recipient");
	struct slice told = packet_rest(&packet);
	return p->refusal != NULL && (told.len == 0 || (p->answer == NULL && take_answer(p, told)));
}

static bool
on_vacation(const struct sieve_talk *t, struct plan *p)
{
	(void)t;
	if (p->answer != NULL || !packet_field_number(&packet, UINT64_MAX, &p->mark) || !packet_field_number(&packet, WINDOW_MOST, &p->window))
		return false;
	return take_answer(p, packet_rest(&packet));
}

static bool
on_exists(const struct sieve_talk *t, struct plan *p)
{
	(void)p;
	struct str name = STR_MOST(FOLDER_NAME_MOST);
	const char *folder = packet_field(&packet);
	bool there = folder != NULL && target_name(t->maildir, slice_of(folder), &name) && folders_exists(t->maildir, str_slice(&name));
	str_free(&name);
	packet_begin(&packet, there ? "yes" : "no");
	return packet_send_wait(t->socket, &packet, PATIENCE) == PACKET_OK;
}

static bool
on_error(const struct sieve_talk *t, struct plan *p)
{
	(void)p;
	uint64_t line;
	const char *script = packet_field(&packet);
	if (script == NULL || !packet_field_number(&packet, UINT32_MAX, &line))
		return false;
	const char *why = packet_field(&packet);
	log_warning("sieve-wrong", log_text("to", t->to), log_text("script", script), log_number("line", (int64_t)line),
	    log_text("reason", why != NULL ? why : ""), log_text("hint", "the message is kept; postern-sieve --check FILE"));
	return true;
}

static const struct {
	const char *verb;
	bool (*take)(const struct sieve_talk *t, struct plan *p);
} verbs[] = {
    {"keep", on_keep}, {"fileinto", on_fileinto}, {"redirect", on_redirect}, {"reject", on_reject}, {"vacation", on_vacation},
    {"exists", on_exists}, {"error", on_error},
};

static bool
take(const struct sieve_talk *t, struct plan *p, const char *verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].take(t, p);
	return false;
}

enum sieve_talked
sieve_talk_receive(const struct sieve_talk *t, struct plan *p)
{
	for (;;) {
		enum packet_result r = packet_receive_wait(t->socket, &packet, PATIENCE);
		packet_close_descriptors(&packet);
		if (r == PACKET_TIMEOUT)
			return TALK_LATER;
		if (r != PACKET_OK)
			return TALK_LOST;
		const char *verb = packet_verb(&packet);
		if (strcmp(verb, "done") == 0)
			return TALK_DONE;
		if (strcmp(verb, "later") == 0)
			return TALK_LATER;
		if (!take(t, p, verb))
			return TALK_LOST;
	}
}
