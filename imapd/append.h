/*
 * An APPEND or REPLACE under way. Its messages go from the wire to the store
 * and are never whole in memory; a command comes in pieces, each gathered up to
 * the next literal that is streamed.
 *
 *     append.c           takes the command apart, and the literals off the wire
 *     append_message.c   makes a message of what comes, in tmp/ of its folder
 *     append_url.c       the same from messages that are there (CATENATE)
 *     append_finish.c    all messages become part of the folder, or none
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include "imapd/flags.h"
#include "imapd/session.h"
#include "lib/store/save.h"

struct append {
	struct session *session;
	struct parser   p;        /* over what was gathered last */
	struct answer   answer;   /* when it was refused */
	bool            single;   /* it takes one message */

	struct slice    name;     /* of the folder it goes to */
	struct folder   own, *to; /* opened for this command, or the selected one; NULL: not open yet */

	/* The message that comes. */
	bool            begun;    /* there was one at all */
	uint64_t        taken;    /* bytes of it so far, as they came */
	int             spool;    /* a literal8, which may have to be changed; -1: none */
	bool            eight;    /* of CATENATE: it comes in a literal8 */
	bool            nul;      /* and it holds a NUL, for which there is no way in */
	int             trouble;  /* errno, or 0 */

	/* Those that came: in the group, and the last one still outside. */
	bool               held;
	struct save_group  group;

	/* What CATENATE takes parts of. */
	bool            source_open;
	struct folder   source;
	struct slice    source_name;
	struct body     body;

	/* Of REPLACE: what goes in exchange, where both are counted. */
	struct quota_amount exchanged;
};

/* Takes the mailbox's name and the space behind it: that far a command is parsed before its messages come. */
bool append_parse_folder(struct parser *p, struct slice *name);

/* Takes the messages and makes them part of the folder. `*code`: APPENDUID, or NULL. False: a->answer says why, or the client is gone. */
bool append_run(struct append *a, struct parser *p, const char **code);
/* Gives back what it holds; whatever is not part of the folder is gone. */
void append_end(struct append *a);

/* Sets the answer and returns false. */
bool append_refuse(struct append *a, struct answer answer);

/* A message begins. */
bool append_begin_message(struct append *a, const struct slice *flags, size_t count, time_t date);
/* So many bytes are to come: false when they are too many. */
bool append_expect(struct append *a, uint64_t size);
/* A literal8 is what the message consists of. */
bool append_expect_eight(struct append *a);
void append_take(void *append, struct slice bytes);
/* It is whole. */
bool append_end_message(struct append *a);
/* For a literal8: what no literal can hold is encoded, so that nothing of it is lost (RFC 3516 section 4.4). */
bool append_convert(struct append *a);

/* The part of a message that an URL names. */
bool append_url(struct append *a, struct slice url);
void append_close_source(struct append *a);

bool append_finish(struct append *a, const char **code);
/* What was to go stays all the same. */
void append_keep_exchanged(struct append *a);

/* The message that comes, or is held. One at a time: its buffer is no matter for the stack. */
extern struct save append_save;

#endif
