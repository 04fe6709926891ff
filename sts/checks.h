/* When domains were last looked at: a table of fixed size. What it has forgotten is only looked at sooner. */
#ifndef STS_CHECKS_H
#define STS_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

void checks_begin(void);
/* It was looked at now, and need not be for so many seconds. */
void checks_add(const char *domain, uint64_t seconds);
/* That time has not gone by. */
bool checks_has(const char *domain);

#endif
