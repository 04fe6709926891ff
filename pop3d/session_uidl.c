/*
 * UIDL. An id comes from what another server has written down (Dovecot's P,
 * Courier's list, where they are found), else from the format. With the format
 * alone no two are equal, so that one after the other is sent; as soon as
 * something else is there, all are made first and equal ones told apart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/front/sessions.h"
#include "lib/store/pop3_uidl.h"
#include "pop3d/session.h"

#define FOREIGN_MOST 255        /* characters of an id that another server gave */
#define ID_MOST      4096 /* before it is bounded */
#define TEXT_MOST    (48u << 20)

struct known {
	uint32_t at; /* in the text, plus 1; 0: nothing */
	uint32_t len;
};

struct ids {
	const struct session *session;
	struct str    text, id;
	struct known *foreign; /* of each message of the folder, P or Courier's */
	struct known *guids;   /* for %g; or NULL */
	struct known *own;     /* of each item, when they are made before they are sent */
	size_t        found;   /* of foreign */
	size_t        changed; /* made fit for RFC 1939 */
};

static struct slice
text_of(const struct ids *d, const struct known *k)
{
	return k->at == 0 ? slice_make(NULL, 0) : slice_first(slice_from(str_slice(&d->text), k->at - 1), k->len);
}

static void
remember(struct ids *d, struct known *k, struct slice value)
{
	size_t at = d->text.len;
	if (!str_append_slice(&d->text, value))
		return;
	*k = (struct known){.at = (uint32_t)at + 1, .len = (uint32_t)value.len};
}

static void
found_guid(void *context, size_t index, struct slice value)
{
	struct ids *d = context;
	remember(d, &d->guids[index], value);
}

static struct slice
base_of(const struct message *m)
{
	return slice_make(m->name, m->base_len);
}

/* The first that names a message counts: Dovecot's list is asked before Courier's. */
static void
found_foreign(void *context, size_t index, struct slice value)
{
	struct ids *d = context;
	if (d->foreign[index].at != 0)
		return;
	size_t start = d->text.len;
	remember(d, &d->foreign[index], value.len > 0 ? value : base_of(&d->session->inbox.messages[index]));
	if (d->foreign[index].at == 0)
		return;
	if (uidl_bound(&d->text, start, FOREIGN_MOST))
		d->foreign[index].len = (uint32_t)(d->text.len - start);
	d->found++;
}

/* False: the files cannot be read, or there is no memory. */
static bool
gather(struct ids *d)
{
	const struct session *s = d->session;
	d->foreign = calloc(s->inbox.count + 1, sizeof *d->foreign);
	if (d->foreign == NULL || !pop3_uidl_dovecot(&s->inbox, 'P', found_foreign, d))
		return false;
	if (s->policy->uidl_courier && !pop3_uidl_courier(&s->inbox, found_foreign, d))
		return false;
	if (!s->policy->uidl.guid)
		return !d->text.failed;
	d->guids = calloc(s->inbox.count + 1, sizeof *d->guids);
	return d->guids != NULL && pop3_uidl_dovecot(&s->inbox, 'G', found_guid, d) && !d->text.failed;
}

/* Appends the id of an item to `into`. */
static void
append_id(struct ids *d, struct str *into, size_t number)
{
	const struct session *s = d->session;
	size_t index = s->items[number].index, start = into->len;
	const struct message *m = &s->inbox.messages[index];
	if (d->foreign[index].at != 0) {
		str_append_slice(into, text_of(d, &d->foreign[index]));
		return;
	}
	const struct uidl_facts facts = {.uid = m->uid, .uidvalidity = s->inbox.uidvalidity, .base = base_of(m),
	    .guid = d->guids == NULL ? slice_make(NULL, 0) : text_of(d, &d->guids[index])};
	uidl_append(into, &s->policy->uidl, &facts);
	d->changed += uidl_bound(into, start, s->policy->uidl_long ? FOREIGN_MOST : UIDL_MOST);
}

/* --- telling equal ones apart ------------------------------------------------------ */

static const struct ids *sorting; /* qsort(3) takes no context */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = slice_compare(text_of(sorting, &sorting->own[x]), text_of(sorting, &sorting->own[y]));
	return order != 0 ? order : (x > y) - (x < y);
}

/* All but the first of equal ids get their UIDs behind them: they are the newer messages, which no client knows yet. */
static void
tell_apart(struct ids *d, const uint32_t *order)
{
	const struct session *s = d->session;
	struct known first = {.at = 0};
	for (size_t i = 0; i < s->count; i++) {
		struct known *k = &d->own[order[i]];
		if (i == 0 || !slice_equal(text_of(d, k), text_of(d, &first))) {
			first = *k;
			continue;
		}
		str_set(&d->id, text_of(d, k));
		str_append_format(&d->id, "-%u", (unsigned)s->inbox.messages[s->items[order[i]].index].uid);
		uidl_bound(&d->id, 0, s->policy->uidl_long ? FOREIGN_MOST : UIDL_MOST);
		remember(d, k, str_slice(&d->id));
	}
}

static bool
make_all(struct ids *d)
{
	const struct session *s = d->session;
	uint32_t *order = calloc(s->count + 1, sizeof *order);
	d->own = calloc(s->count + 1, sizeof *d->own);
	bool ok = order != NULL && d->own != NULL;
	for (size_t i = 0; ok && i < s->count; i++) {
		order[i] = (uint32_t)i;
		str_clear(&d->id);
		append_id(d, &d->id, i);
		remember(d, &d->own[i], str_slice(&d->id));
		ok = d->own[i].at != 0;
	}
	if (ok) {
		sorting = d;
		qsort(order, s->count, sizeof *order, compare);
		tell_apart(d, order);
	}
	free(order);
	return ok && !d->text.failed;
}

/* --- sending -------------------------------------------------------------------------- */

static void
send_id(struct session *s, const char *before, size_t number)
{
	struct ids *d = s->ids;
	str_clear(&d->id);
	if (d->own != NULL)
		str_set(&d->id, text_of(d, &d->own[number]));
	else
		append_id(d, &d->id, number);
	session_row(s, before, number, str_slice(&d->id));
}

static void
send_ids(struct session *s, size_t number)
{
	if (number != SIZE_MAX) {
		send_id(s, "+OK ", number);
		return;
	}
	session_ok(s, TEXT_LIST);
	for (number = 0; number < s->count && !s->out.failed; number++)
		if (!(s->items[number].marks & MARK_DELETED))
			send_id(s, "", number);
	output_text(&s->out, ".\r\n");
}

static void
free_ids(struct session *s)
{
	str_free(&s->ids->text);
	str_free(&s->ids->id);
	free(s->ids->foreign);
	free(s->ids->guids);
	free(s->ids->own);
	free(s->ids);
	s->ids = NULL;
}

/* Once a session: its messages are always the same. */
static bool
prepare(struct session *s)
{
	if (s->ids != NULL)
		return true;
	s->ids = calloc(1, sizeof *s->ids);
	if (s->ids == NULL)
		return false;
	*s->ids = (struct ids){.session = s, .text = STR_MOST(TEXT_MOST), .id = STR_MOST(ID_MOST)};
	if (gather(s->ids) && (s->ids->found == 0 || make_all(s->ids)))
		return true;
	free_ids(s);
	return false;
}

void
session_uidl(struct session *s, size_t number)
{
	if (prepare(s)) {
		send_ids(s, number);
		return;
	}
	log_error("uidl-failed", log_errno(), log_text("hint", errno == ENOMEM ? session_memory_hint : "see the user's Maildir"));
	session_error(s, "SYS/TEMP", TEXT_CANNOT_READ);
}

void
session_uidl_close(const struct session *s)
{
	if (s->ids != NULL && s->ids->changed > 0)
		log_info("uidl-hashed", log_number("ids", (int64_t)s->ids->changed),
		    log_text("hint", "over 70 characters; where clients know the long ones, write yes into pop3_uidl_long"));
}
