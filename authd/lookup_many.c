/* `rcpts T ADDRESS...`: what `rcpt` asks of one address, of several together (the RCPT lines that a client has pipelined). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/lookup.h"
#include "lib/base/number.h"

#define MANY_MOST 32

/* What is known of one address: two fields, the class and the size limit, or "later" and why. */
struct one {
	struct str fields;
};

struct gathering {
	struct gathering  *next, *previous; /* those that wait for an answer */
	struct connection *asker;
	char               tag[LOOKUP_TAG_MOST + 1];
	size_t             count, waiting;
	struct one         ones[MANY_MOST];
};

static struct gathering *first;
static struct packet     answer;

static void
enlist(struct gathering *g)
{
	g->next = first;
	if (first != NULL)
		first->previous = g;
	first = g;
}

static void
release(struct gathering *g)
{
	if (g->previous != NULL)
		g->previous->next = g->next;
	else
		first = g->next;
	if (g->next != NULL)
		g->next->previous = g->previous;
	for (size_t i = 0; i < g->count; i++)
		str_free(&g->ones[i].fields);
	free(g);
}

static void
set_later(struct one *o, const char *why)
{
	str_clear(&o->fields);
	str_append(&o->fields, "later", sizeof "later");
	str_append(&o->fields, why, strlen(why) + 1);
}

/* The class alone becomes two fields too. */
static void
set_class(struct one *o, struct slice fields)
{
	str_append_slice(&o->fields, fields);
	if (slice_find(fields, '\0') + 1 == fields.len)
		str_append_byte(&o->fields, '\0');
}

/* When the last one is known. */
static void
answer_all(struct gathering *g)
{
	packet_begin(&answer, "ok");
	packet_add_text(&answer, g->tag);
	for (size_t i = 0; i < g->count; i++)
		packet_add_rest(&answer, g->ones[i].fields.failed ? slice_make("later\0no memory", sizeof "later\0no memory")
		                                                  : str_slice(&g->ones[i].fields));
	connection_send(g->asker, &answer);
	release(g);
}

static void
resolved(void *owner, struct resolution *r, enum verdict v)
{
	struct gathering *g = owner;
	uint64_t at;
	if (!number_parse(slice_of(inquiry_tag(r)), g->count - 1, &at))
		return;
	if (v == VERDICT_OK)
		set_class(&g->ones[at], str_slice(&r->fields));
	else
		set_later(&g->ones[at], r->why != NULL ? r->why : "");
	if (--g->waiting == 0)
		answer_all(g);
}

static void
ask(struct gathering *g, struct inquiries *inquiries, size_t at, const char *address)
{
	char tag[24];
	snprintf(tag, sizeof tag, "%zu", at);
	struct question q = {.kind = INQUIRY_RCPT, .address = address, .login = "", .service = "", .client = "", .tag = tag};
	if (inquiry_start(inquiries, &q, resolved, g))
		return;
	set_later(&g->ones[at], "no memory, or an address longer than 1024 bytes");
	g->waiting--;
}

/* Field count of the packet's rest; 0: none, or too many. */
static size_t
count_addresses(struct packet *p)
{
	size_t at = p->at, count = 0;
	while (packet_field(p) != NULL)
		count++;
	bool whole = packet_rest(p).len == 0;
	p->at = at;
	return whole && count <= MANY_MOST ? count : 0;
}

bool
lookup_many(struct connection *c, const char *tag, struct packet *p)
{
	struct inquiries *inquiries = ((struct lookup_service *)c->service)->inquiries;
	size_t count = count_addresses(p);
	if (count == 0)
		return false;
	struct gathering *g = calloc(1, sizeof *g);
	if (g == NULL) {
		lookup_answer_later(c, tag, "no memory");
		return true;
	}
	g->asker = c;
	g->count = count;
	/* One more than there are, so that the answer does not go before the last was asked. */
	g->waiting = count + 1;
	snprintf(g->tag, sizeof g->tag, "%s", tag);
	enlist(g);
	for (size_t i = 0; i < count; i++)
		g->ones[i].fields = STR_MOST(1024);
	for (size_t i = 0; i < count; i++)
		ask(g, inquiries, i, packet_field(p));
	if (--g->waiting == 0)
		answer_all(g);
	return true;
}

void
lookup_many_forget(struct inquiries *inquiries, const struct connection *c)
{
	for (struct gathering *g = first, *next; g != NULL; g = next) {
		next = g->next;
		if (g->asker != c)
			continue;
		inquiries_forget(inquiries, g);
		release(g);
	}
}
