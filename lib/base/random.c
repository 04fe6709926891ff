#include "lib/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/base/log.h"
#include "lib/base/program.h"

void
random_bytes(void *bytes, size_t len)
{
	char *at = bytes;
	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("no-random-bytes", log_errno());
			exit(EXIT_TEMPORARY);
		}
		at += n;
		len -= (size_t)n;
	}
}

uint64_t
random_number(void)
{
	uint64_t number;
	random_bytes(&number, sizeof number);
	return number;
}

void
random_letters(char *text, size_t letters)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	random_bytes(text, letters);
	for (size_t i = 0; i < letters; i++)
		text[i] = alphabet[(unsigned char)text[i] & 31];
	text[letters] = '\0';
}
