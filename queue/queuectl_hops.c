/*
 * Where a recipient's mail goes next: what authd's transport table says, else the
 * relay host of its sender, else the setting relay_host of postern-queued, else its domain. Asked for each
 * recipient: a table may say another thing of one address than of its domain.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipc/socket.h"
#include "lib/mail/address.h"
#include "queue/queuectl.h"

#define PATIENCE 30000 /* ms */

bool
hops_open(struct hops *h, const char *program, const char *wanted, const char *relay_host)
{
	*h = (struct hops){.program = program, .wanted = wanted, .relay_host = relay_host};
	h->authd = socket_connect("authd/lookup", 2000);
	if (h->authd < 0)
		fprintf(stderr, "%s: authd cannot be reached (%s/authd/lookup): %s\n", program, socket_run_directory, strerror(errno));
	return h->authd >= 0;
}

void
hops_close(struct hops *h)
{
	if (h->authd >= 0)
		close(h->authd);
}

/* "[host]:25" and "host:25" are the host "host". */
static struct slice
host_of(struct slice hop)
{
	if (slice_starts(hop, "["))
		return slice_first(slice_from(hop, 1), slice_find(slice_from(hop, 1), ']'));
	return slice_first(hop, slice_find(hop, ':'));
}

/* As it stands in the table, without "smtp:", or the host alone. */
static bool
is_wanted(const struct hops *h, struct slice hop)
{
	static const char *const ways[] = {"smtp:", "smtps:", "relay:", "lmtp:"};
	struct slice wanted = slice_of(h->wanted), rest = hop;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (slice_starts(hop, ways[i]))
			rest = slice_from(hop, strlen(ways[i]));
	return wildcards_match(wanted, hop) || wildcards_match(wanted, rest) || wildcards_match(wanted, host_of(rest));
}

bool
hops_lead(struct hops *h, const char *sender, const char *recipient)
{
	static struct packet p;
	struct slice local, domain;
	address_split(slice_of(recipient), &local, &domain);
	packet_begin(&p, "transport");
	packet_add_text(&p, "1");
	packet_add_text(&p, recipient);
	packet_add_text(&p, sender);
	const char *status = packet_call(h->authd, &p, PATIENCE) ? packet_verb(&p) : "";
	const char *tag = packet_field(&p);
	packet_close_descriptors(&p);
	if (tag != NULL && strcmp(status, "ok") == 0) {
		const char *transport = packet_field(&p);
		return transport != NULL && is_wanted(h, slice_of(transport));
	}
	if (tag != NULL && strcmp(status, "no") == 0)
		return is_wanted(h, h->relay_host[0] != '\0' ? slice_of(h->relay_host) : domain);
	const char *why = tag != NULL ? packet_field(&p) : NULL;
	fprintf(stderr, "%s: authd cannot say where the mail of %s goes: %s\n", h->program, recipient,
	    why != NULL ? why : "no answer (only root may ask)");
	h->lost = true;
	return false;
}
