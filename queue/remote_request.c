#include "queue/remote_request.h"

#include <string.h>

#include "lib/base/ascii.h"

/* The value of a key; empty when it is absent. */
static struct slice
value_of(struct slice keys, const char *key)
{
	struct slice word;
	size_t len = strlen(key);
	while (slice_split(&keys, ' ', &word))
		if (slice_starts(word, key) && word.len > len && word.data[len] == '=')
			return slice_from(word, len + 1);
	return slice_of("");
}

static bool
read_message_keys(struct packet *p, struct errand *e)
{
	const char *text = packet_field(p);
	if (text == NULL || ascii_has_control(slice_of(text)))
		return false;
	struct slice keys = slice_of(text), body = value_of(keys, "body");
	e->eight_bit = slice_is(body, "8BITMIME");
	e->binary = slice_is(body, "BINARYMIME");
	e->utf8 = slice_is(value_of(keys, "smtputf8"), "1");
	e->require_tls = slice_is(value_of(keys, "requiretls"), "1");
	e->ret = value_of(keys, "ret");
	e->envid = value_of(keys, "envid");
	return true;
}

static bool
read_recipient(struct packet *p, struct errand *e, struct slice address)
{
	const char *keys = packet_field(p);
	if (keys == NULL || address.len == 0 || ascii_has_control(address) || ascii_has_control(slice_of(keys)))
		return false;
	e->recipients[e->count++] = (struct errand_recipient){
	    .address = address, .notify = value_of(slice_of(keys), "notify"), .orcpt = value_of(slice_of(keys), "orcpt")};
	return true;
}

static bool
read_head(struct packet *p, struct remote_request *r)
{
	struct errand *e = &r->errand;
	if (strcmp(packet_verb(p), "send") != 0 || (r->tag = packet_field(p)) == NULL || (e->id = packet_field(p)) == NULL)
		return false;
	const char *sender = packet_field(p);
	e->sender = slice_of(sender);
	r->transport = packet_field(p);
	e->transport = slice_of(r->transport);
	return r->transport != NULL && !ascii_has_control(e->sender) && packet_field_number(p, INT64_MAX / 2, &e->offset) &&
	    packet_field_number(p, INT64_MAX / 2, &e->length);
}

bool
remote_request_read(struct packet *p, struct remote_request *r)
{
	struct errand *e = &r->errand;
	const char *address;
	memset(r, 0, sizeof *r);
	e->file = -1;
	if (!read_head(p, r) || !read_message_keys(p, e))
		return false;
	while ((address = packet_field(p)) != NULL && e->count < TRANSACTION_RECIPIENTS_MOST)
		if (!read_recipient(p, e, slice_of(address)))
			return false;
	e->file = packet_take_descriptor(p);
	return e->count > 0 && address == NULL && e->file >= 0;
}
