/*
 * The interpreter's side of the conversation with deliver, over a pair of
 * SEQPACKET sockets of which deliver made one for this message:
 *
 *     run SENDER RECIPIENT ADDRESS SIZE    the envelope, the message's size
 *     script NAME + text                   one or more for each script, in the order in which they run; a further
 *                                          packet of the same NAME goes on where the one before ended
 *     header + bytes                       one or more
 *     go
 *
 * and back:
 *
 *     exists FOLDER                        a question: deliver says yes or no
 *     keep [FLAG...]
 *     fileinto FOLDER create|- [FLAG...]
 *     redirect ADDRESS
 *     reject TEXT + a message              that tells the sender; empty: the text does
 *     vacation MARK SECONDS + the answer   to the sender, unless he had that one in so many seconds
 *     error NAME LINE TEXT                 the script is wrong or failed: nothing of it counts but keep
 *     done
 */
#ifndef SIEVE_SERVE_H
#define SIEVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct sieve_limits {
	uint64_t    redirects;
	const char *delimiters;
};

/* One conversation. False, logged, when deliver does not keep to the protocol or is gone. */
bool sieve_serve(int socket, const struct sieve_limits *limits);

#endif
