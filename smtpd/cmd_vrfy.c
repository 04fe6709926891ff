/* VRFY (RFC 5321 section 4.1.1.6, RFC 6531 section 3.7.4.2): says of no address whether it exists (section 7.3). */
#include "lib/mail/address.h"
#include "smtpd/command.h"
#include "smtpd/reply.h"

/* Behind the last space, where the client speaks ESMTP. */
static bool
take_smtputf8(const struct session *s, struct slice *argument)
{
	size_t space = slice_find_last(*argument, ' ');
	if (!s->esmtp || space == argument->len || !slice_is_nocase(slice_from(*argument, space + 1), "SMTPUTF8"))
		return false;
	*argument = slice_trim(slice_first(*argument, space));
	return true;
}

void
cmd_vrfy(struct session *s, struct slice argument)
{
	bool smtputf8 = take_smtputf8(s, &argument);
	if (!s->config->vrfy)
		reply(s, 502, "5.5.1", "VRFY is off here");
	else if (argument.len == 0)
		reply(s, 501, "5.5.4", "Syntax: VRFY address [SMTPUTF8]");
	else if (!smtputf8 && !address_is_ascii(argument))
		reply(s, 553, "5.6.7", "The address is not ASCII: SMTPUTF8 was not said");
	else if (!address_is_utf8(argument))
		reply(s, 501, "5.5.2", "This is not UTF-8");
	else
		reply(s, 252, "2.0.0", "Send some mail, and it will be tried");
}
