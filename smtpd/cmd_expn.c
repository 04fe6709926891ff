/* EXPN (RFC 5321 section 4.1.1.7): who is behind an alias is told to nobody (section 7.3). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_expn(struct session *s, struct slice argument)
{
	(void)argument;
	reply(s, 502, "5.5.1", "EXPN is off here");
}
