/* Where the log goes under inetd, which puts the client's connection on descriptor 2 too. */
#ifndef FRONT_SYSLOG_H
#define FRONT_SYSLOG_H

/*
 * When descriptor 2 is the same socket as descriptor 0, puts a connection to
 * /dev/log in its place, or /dev/null when there is none: no log line may
 * reach the client. Before anything is logged.
 */
void log_beside_client(void);

#endif
