/* RSET (RFC 5321 section 4.1.1.5). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_rset(struct session *s, struct slice argument)
{
	(void)argument;
	session_reset(s);
	reply(s, 250, "2.0.0", "Ok");
}
