/* Where a session waits: for the client, for SIGTERM, for news of the folder. */
#ifndef IMAPD_WAIT_H
#define IMAPD_WAIT_H

#include <stdbool.h>

#include "imapd/session.h"

/* Once: SIGTERM, which is blocked, will be seen in waits and nowhere else. */
void session_wait_prepare(void);

/*
 * Flushes and waits until the client sends, is gone, or has been silent for
 * SESSION_IDLE; tells meanwhile what NOTIFY asks for. On SIGTERM says BYE and ends the process: between commands
 * only, so nothing is cut in its middle. The before_wait of the input.
 */
void session_wait(void *session);

enum wait_result { WAIT_CLIENT, WAIT_NEWS, WAIT_TIMEOUT };
/* The same without telling: returns as well when something that is watched changes; `timeout` in milliseconds. */
enum wait_result session_wait_news(struct session *s, int timeout);

#endif
