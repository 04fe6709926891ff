/* ETRN (RFC 1985): the queue is to try the mail for a domain of ours now, say because its server can be reached again. */
#include <stdio.h>

#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/reply.h"
#include "smtpd/services.h"

static bool
may_ask(const struct session *s)
{
	return s->config->etrn == ETRN_ALL || session_logged_in(s) || s->relay_client;
}

/* What an address there is tells of its domain; whether the address exists does not matter. */
static enum recipient_class
class_of_domain(struct session *s, struct slice domain)
{
	char address[ADDRESS_PATH_MOST + 16];
	uint64_t size_most;
	int len = snprintf(address, sizeof address, "etrn@%.*s", (int)domain.len, domain.data);
	return services_recipient(s, slice_make(address, (size_t)len), &size_most);
}

static void
start_queue(struct session *s, struct slice domain)
{
	uint64_t count;
	if (!services_etrn(s, domain, &count))
		refuse(s, 458, "4.3.0", "Unable to try the mail for this domain now", "ETRN", domain);
	else if (count == 0)
		reply(s, 251, "2.0.0", "Ok, no message waits for this domain");
	else
		output_format(&s->out, "253 2.0.0 Ok, %llu messages for this domain are tried\r\n", (unsigned long long)count);
}

/* In lower case, as it stands in the queue. False: it has been answered. */
static bool
take_domain(struct session *s, struct slice argument, struct address *a)
{
	char text[ADDRESS_PATH_MOST];
	int len = snprintf(text, sizeof text, "x@%.*s", (int)(argument.len < 255 ? argument.len : 255), argument.data);
	if (len > 0 && (size_t)len < sizeof text && address_parse(slice_of(text), ADDRESS_UTF8, a) == ADDRESS_OK)
		return true;
	reply(s, 501, "5.5.4", "Syntax: ETRN domain");
	return false;
}

void
cmd_etrn(struct session *s, struct slice argument)
{
	struct address a;
	if (s->config->etrn == ETRN_NO) {
		reply(s, 502, "5.5.1", "ETRN is off here");
		return;
	}
	if (!take_domain(s, argument, &a))
		return;
	struct slice domain = address_domain(&a);
	if (!may_ask(s)) {
		refuse(s, 459, "4.7.1", "You may not ask for this", "ETRN", domain);
		return;
	}
	switch (class_of_domain(s, domain)) {
	case RECIPIENT_FOREIGN:
		refuse(s, 459, "4.7.1", "This domain is not ours", "ETRN", domain);
		return;
	case RECIPIENT_LATER:
		refuse(s, 458, "4.3.0", "Temporary lookup failure", "ETRN", domain);
		return;
	default:
		start_queue(s, domain);
	}
}
