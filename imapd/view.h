/*
 * The selected folder as this client knows it. The store's array may be ahead
 * of the client: `announced` messages have been told by EXISTS, and numbers
 * beyond do not exist for the client yet. An expunged message keeps its number
 * until the client was told so.
 */
#ifndef IMAPD_VIEW_H
#define IMAPD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/dialect.h"
#include "imapd/sequence.h"
#include "lib/base/stream.h"
#include "lib/store/folder.h"

struct view {
	bool          open;
	bool          stale;      /* another program replaced the folder: the session must end */
	bool          full;       /* it has outgrown the session's memory, which must end */
	struct folder folder;
	size_t        announced;
	size_t        recent;     /* as last told */
	size_t        keywords;   /* how many names were told in FLAGS */
	uint64_t      told;       /* the client knows all up to this mod-sequence (RFC 7162); 0: there is none */
	int64_t       looked;     /* clock_ms() of the last refresh */
	bool          news;       /* a refresh ran since the last report */
	bool          own_change; /* this session changed the disk: look before the next report */
	char          name[241];
	struct sequence_set saved;    /* UIDs of the last search with SAVE (RFC 5182), malloc'ed */
};

/* Opens and reads a folder. False with errno; the view is closed then. */
bool view_open(struct view *v, const struct maildir *m, struct slice name, bool read_only);
void view_close(struct view *v);

/* Looks at the disk. False when the view cannot go on (v->stale). */
bool view_refresh(struct view *v);
/* The same, but not more often than every second unless something is known to have changed. */
bool view_refresh_lazily(struct view *v);

/* FLAGS and PERMANENTFLAGS. */
void view_tell_flags(struct view *v, struct output *out);
/* The same when there are keywords that the client was not told of. */
void view_tell_new_flags(struct view *v, struct output *out);
/* EXISTS, and RECENT where the dialect has it. */
void view_tell_count(struct view *v, struct output *out, const struct dialect *d);
/*
 * Tells what has changed: EXPUNGE or VANISHED (only when allowed: RFC 3501
 * section 7.4.1), EXISTS, RECENT, FETCH FLAGS (with UID for UID commands), and
 * what else the dialect asks for.
 */
void view_report(struct view *v, struct output *out, const struct dialect *d, bool expunges, bool with_uid);
/* The client knows all that the view has: after a report that held nothing back, or a SELECT. */
void view_all_told(struct view *v);
/* The start of a response on a message: "* N FETCH (UID n ", without the UID unless it is wanted, or "* UID UIDFETCH (". */
void view_begin_fetch(const struct view *v, struct output *out, const struct dialect *d, size_t index, bool with_uid);
/* "* N FETCH (UID n FLAGS (...) MODSEQ (n))": what became of a message. */
void view_tell_change(struct view *v, struct output *out, const struct dialect *d, size_t index, bool with_uid);

#endif
