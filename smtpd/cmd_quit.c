/* QUIT (RFC 5321 section 4.1.1.10). */
#include "smtpd/command.h"
#include "smtpd/reply.h"

void
cmd_quit(struct session *s, struct slice argument)
{
	(void)argument;
	reply(s, 221, "2.0.0", "Bye");
	s->closing = true;
	s->end = "quit";
}
