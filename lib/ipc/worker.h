/*
 * Another program of the suite as a worker of ours: it speaks packets on its
 * standard input and ends when our end of that socket is closed. The one such
 * program is postern-deliver, which is setuid: it cannot be started by a
 * process that has no_new_privs, so by one that is not confined yet or never.
 */
#ifndef IPC_WORKER_H
#define IPC_WORKER_H

/*
 * Starts `program` ("postern-deliver") of the suite's directory with the
 * argument --worker. Its standard output is its standard error. Returns our end
 * of the socket (close-on-exec), or -1 with errno. A program that cannot be
 * executed is logged, and seen as the end of the socket.
 */
int worker_start(const char *program);

#endif
