/* What the parts of the filters' glue (filters*.c) share. */
#ifndef SMTPD_FILTERS_STATE_H
#define SMTPD_FILTERS_STATE_H

#include "lib/base/str.h"
#include "lib/filter/endpoint.h"
#include "lib/filter/fields.h"
#include "lib/filter/milter.h"
#include "lib/filter/policy.h"
#include "smtpd/session.h"

#define FILTERS_MOST    16            /* of each kind */
#define PREPENDED_MOST  (32u << 10)   /* fields of policy servers */
#define CHANGES_MOST    (512u << 10)  /* what one milter changes, its new body apart */
#define DISCARDED_MOST  256

enum milter_state {
	STATE_ASKED,
	STATE_PAST,   /* it has accepted this message */
	STATE_OFF,    /* it has accepted this client, or is broken and its mail goes on */
	STATE_FAILED, /* it is broken, and mail is refused */
};

struct filter_milter {
	struct milter       wire;
	struct slice        name;
	enum filter_default otherwise;
	enum milter_state   state;
	int                 fd;
	bool                told;       /* of a message that has not ended */
	bool                quarantine; /* it is broken, and mail is held */
};

struct filter_policy {
	struct policy       wire;
	struct slice        name;
	enum filter_default otherwise;
	enum filter_time    time;
	int                 fd;
};

/* A file of which only the parts count that are named here. */
struct scratch {
	int      fd;      /* -1: none yet */
	uint64_t end;     /* behind all that counts */
	bool     failed;  /* a write failed */
};

struct filters {
	struct filter_milter *milters;
	struct filter_policy *policies;
	size_t                milter_count, policy_count;

	/* Why what is refused is refused, and by whom. */
	struct filter_answer answer;
	struct slice         by;
	bool                 closes;
	bool                 refuses_client; /* since connect or HELO: kept in client_answer */
	bool                 discards_client; /* all its messages are thrown away */
	struct filter_answer client_answer;
	struct slice         client_by;

	uint64_t messages; /* that were begun */

	/* Of one message. */
	bool         discard;
	char         discard_why[DISCARDED_MOST];
	struct slice rcpt;      /* of the RCPT that is looked at */
	struct str   prepended; /* each with its CRLF */
	bool         take_text;

	struct scratch scratch;
	struct fields  fields;
	struct str     changes;
	uint64_t       body_at, body_len; /* in the scratch file */
	bool           parted;            /* an empty line stood behind the header */
};

/* Tells a milter of one step. */
typedef enum milter_word filters_step(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters);
enum filters_stage { STAGE_CLIENT, STAGE_MESSAGE };
/* Takes a step through all milters that are to be asked. False: filters.answer refuses. A discarded message goes on. */
bool filters_each_milter(struct session *s, filters_step *tell, struct slice about, struct slice parameters, enum filters_stage stage);

/* A filter is broken. True: the mail goes on without it. False: filters.answer refuses it. */
bool filters_milter_failed(struct session *s, struct filter_milter *f);
/* Sets filters.answer. `closes`: the session ends with it. */
void filters_refuse(struct filters *fs, struct slice by, const struct filter_answer *a, bool closes);
/* How a filter's failure mode refuses. */
void filters_refuse_failed(struct filters *fs, struct slice by, enum filter_default otherwise);

/* Answers with filters.answer, and logs it. */
void filters_answer(struct session *s, const char *command, struct slice about);
/* The same as an outcome, for those who answer themselves. */
struct outcome filters_outcome(struct session *s);

/* The macros that filters may ask for; `context` is the session. */
struct slice filters_macro(void *context, struct slice name);

/* Asks the policy servers that are to be asked now. False: filters.answer refuses. */
bool filters_ask_policies(struct session *s, enum filter_time when, struct slice recipient, uint64_t size);

/* The message is to be held, if nobody wanted that before. */
void filters_hold(struct session *s, struct slice by, struct slice why);
void filters_discard(struct session *s, struct slice by, const char *why);

/* Has a scratch file and the next message's queue id (into the envelope). Not done: queued's reason. */
struct outcome filters_scratch_begin(struct session *s);
void filters_scratch_write(struct scratch *k, struct slice bytes);
/* Reads exactly `len` bytes. False: trouble. */
bool filters_scratch_read(const struct scratch *k, uint64_t at, char *into, size_t len);

/* Shows the message to a milter and applies what it changes. */
enum milter_word filters_replay(struct session *s, struct filter_milter *f);

#endif
