/*
 * What tells IDLE that the selected folder has changed: inotify; or dnotify where the kernel has no instance of that left for vmail,
 * who has 128 in all by default. dnotify has no such bound: each directory is held open, and SIGIO says that one has changed.
 */
#ifndef IMAPD_WATCH_H
#define IMAPD_WATCH_H

#include <stdbool.h>

#include "imapd/session.h"

/* Once: SIGIO is blocked, and counts only where a wait lets it through. */
void session_watch_prepare(void);
/* Begins to watch the selected folder; false, and one log line a session: no watch is to be had. */
bool session_watch_begin(struct session *s);
/* Whether SIGIO has come since session_watch_forget(), of a folder that is watched so. */
bool session_watch_signalled(const struct session *s);
/* What has happened so far is looked at now. */
void session_watch_forget(struct session *s);
void session_watch_end(struct session *s);

#endif
