/* What the tools postern-lookup and postern-authtest share: asking a socket, and answers as text or JSON. */
#ifndef AUTHD_TOOL_H
#define AUTHD_TOOL_H

#include <stdbool.h>

#include "lib/ipc/packet.h"

#define EXIT_NO 1 /* the answer is no */

/* Connects to a socket of authd or ends with EXIT_TEMPORARY and a hint. */
int tool_connect(const char *socket);
/* One exchange; the status word, the packet behind the tag. Ends with EXIT_TEMPORARY when there is no answer. */
const char *tool_ask(int fd, struct packet *p);

/*
 * The same for an `explain` question, which only root may ask (tool_may_explain()): prints its story, a step a line, or
 * with `json` keeps it for tool_print().
 */
bool tool_may_explain(void);
const char *tool_ask_story(int fd, struct packet *p, bool json);

/*
 * Prints one result: status, then each remaining field under its name ("target" for all, when that is the first name),
 * and in JSON the steps of the story. Fields without a name are left out.
 */
void tool_print(const char *status, const char *const *names, struct packet *p, bool json);
/* The exit status that fits the status word. */
int tool_exit(const char *status);

#endif
