/* sources: queue/remote_policy.c queue/remote_route.c queue/remote_request.c queue/outward_keys.c queue/file_recipient.c queue/report.c queue/id.c */
/*
 * What reaches postern-remote and goes into commands: policies, requests, keys
 * of a queue file, TLSA records. No value ends its line or begins a parameter.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/dns/dns.h"
#include "queue/outward_keys.h"
#include "queue/remote_policy.h"
#include "queue/remote_request.h"
#include "queue/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		assert((unsigned char)value.data[i] > ' ' && value.data[i] != 0x7f);
}

static void
try_policies(const char *text)
{
	struct policy_rules rules;
	struct route route;
	if (!policy_read("dane", text, &rules) || !route_parse(slice_of("[a.test]:26"), slice_of(""), &route))
		return;
	struct policy p = policy_find(&rules, &route);
	assert(!slice_has(p.names, ',') && !slice_has(p.names, '\n'));
}

static void
try_request(struct slice bytes)
{
	static struct packet p;
	static struct remote_request r;
	packet_begin(&p, "send");
	size_t room = bytes.len < PACKET_MOST - p.len ? bytes.len : PACKET_MOST - p.len;
	memcpy(p.data + p.len, bytes.data, room);
	p.len += room;
	p.descriptors[p.descriptor_count++] = dup(0);
	if (remote_request_read(&p, &r)) {
		check_value(r.errand.ret);
		check_value(r.errand.envid);
		assert(r.errand.count > 0);
		for (size_t i = 0; i < r.errand.count; i++) {
			check_value(r.errand.recipients[i].notify);
			check_value(r.errand.recipients[i].orcpt);
		}
	}
	if (r.errand.file >= 0)
		close(r.errand.file);
	packet_close_descriptors(&p);
}

static void
try_keys(struct slice bytes)
{
	struct slice with = slice_first(bytes, slice_find(bytes, '\0')), keys = slice_from(bytes, with.len);
	keys = slice_first(keys, slice_find(keys, '\n'));
	struct file_recipient r = {.address = slice_first(keys, 20), .keys = keys, .parent = NO_PARENT, .status = RECIPIENT_FAILED};
	struct queue_file f = {.with = with, .recipients = &r, .count = 1};
	struct str got = STR_MOST(8192);
	outward_message_keys(&got, &f);
	outward_recipient_keys(&got, &f, &r);
	assert(got.len <= OUTWARD_KEYS_MOST);
	report_failed(&f, &r);
	str_free(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_tlsa record;
	log_set_level(LOG_ERROR + 1);
	char *text = malloc(size + 1);
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	struct slice bytes = slice_make(text, size);
	try_policies(text);
	try_request(bytes);
	try_keys(bytes);
	dns_read_tlsa(bytes, &record);
	free(text);
	return 0;
}
