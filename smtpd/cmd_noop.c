/* NOOP (RFC 5321 section 4.1.1.9). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_noop(struct session *s, struct slice argument)
{
	(void)argument;
	reply(s, 250, "2.0.0", "Ok");
}
