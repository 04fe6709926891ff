/* `sendmail -bs`: a small SMTP server on standard input and output, for a program that speaks SMTP to a pipe. */
#ifndef QUEUE_SENDMAIL_SMTP_H
#define QUEUE_SENDMAIL_SMTP_H

#include <stdint.h>

/* Until QUIT or the end. Messages have at most `message_size` bytes. Returns an exit code of sysexits. */
int sendmail_smtp(const char *hostname, uint64_t message_size);

#endif
