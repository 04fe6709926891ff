/* HELP (RFC 5321 section 4.1.1.8). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_help(struct session *s, struct slice argument)
{
	(void)argument;
	reply(s, 214, "2.0.0", "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT STARTTLS AUTH VRFY ETRN HELP, by RFC 5321");
}
