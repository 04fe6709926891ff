/*
 * What tells IDLE that the selected folder has changed: inotify; or dnotify where the kernel has no instance of that left for vmail,
 * who has 128 in all by default. dnotify has no such bound: each directory is held open, and SIGIO says that one has changed.
 *
 * An instance of inotify is kept from the first IDLE on, without watches between two of them: closing it waits until no processor
 * can be in the midst of an event (close(2) took 7 ms of an IDLE that took 0.3 without), and clients end an IDLE to do something.
 */
#ifndef IMAPD_WATCH_H
#define IMAPD_WATCH_H

#include <stdbool.h>

#include "imapd/session.h"

/* Once: SIGIO is blocked, and counts only where a wait lets it through. */
void session_watch_prepare(void);
/* Begins to watch the selected folder; false, and one log line a session: no watch is to be had. */
bool session_watch_begin(struct session *s);
/* Readable when the watched folder has changed; -1: none is watched, or by signal. */
int session_watch_descriptor(const struct session *s);
/* Whether SIGIO has come since session_watch_forget(), of a folder that is watched so. */
bool session_watch_signalled(const struct session *s);
/* What has happened so far is looked at now. */
void session_watch_forget(struct session *s);
void session_watch_end(struct session *s);

#endif
