/* VRFY (RFC 5321 section 4.1.1.6): says of no address whether it exists (section 7.3). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_vrfy(struct session *s, struct slice argument)
{
	if (argument.len == 0)
		reply(s, 501, "5.5.4", "Syntax: VRFY address");
	else
		reply(s, 252, "2.0.0", "Send some mail, and it will be tried");
}
