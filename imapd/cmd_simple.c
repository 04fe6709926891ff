/* Commands of a few lines each. */
#include "imapd/session.h"

#include "imapd/namespace.h"
#include "lib/base/log.h"

/* Only what truly works (RFC 3501 section 7.2.1). */
const char session_capability[] =
	"IMAP4rev1 IMAP4rev2 LITERAL+ ID IDLE NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE ENABLE UTF8=ACCEPT SPECIAL-USE CREATE-SPECIAL-USE"
	" CONDSTORE QRESYNC STATUS=SIZE SAVEDATE APPENDLIMIT MULTIAPPEND CATENATE REPLACE BINARY UIDONLY PREVIEW COMPRESS=DEFLATE NOTIFY INPROGRESS"
	" LIST-EXTENDED LIST-STATUS ESEARCH SEARCHRES WITHIN PARTIAL SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS I18NLEVEL=1"
	" METADATA LIST-METADATA QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE OBJECTID";

struct answer
cmd_capability(struct session *s, struct parser *p)
{
	(void)p;
	output_format(&s->out, "* CAPABILITY %s\r\n", session_capability);
	return answer_ok("done");
}

struct answer
cmd_noop(struct session *s, struct parser *p)
{
	(void)s;
	(void)p;
	return answer_ok("done");
}

/* What CHECK is for has been done by each command before it: all is on the disk. */
struct answer
cmd_check(struct session *s, struct parser *p)
{
	return cmd_noop(s, p);
}

struct answer
cmd_logout(struct session *s, struct parser *p)
{
	(void)p;
	session_bye(s, "see you");
	return answer_ok("done");
}

/* RFC 2342: one personal namespace, no others. */
struct answer
cmd_namespace(struct session *s, struct parser *p)
{
	(void)p;
	output_format(&s->out, "* NAMESPACE ((\"%s\" \".\")) NIL NIL\r\n", namespace_prefix());
	return answer_ok("done");
}

/* RFC 2971; what the client tells of itself goes into the log. */
struct answer
cmd_id(struct session *s, struct parser *p)
{
	struct slice client;
	if (!parse_id(p, &client))
		return answer_bad(p->error);
	if (client.data != NULL)
		log_info("client-id", log_slice("name", client));
	output_text(&s->out, "* ID (\"name\" \"Postern\")\r\n");
	return answer_ok("done");
}
