/* What the events of the log mean, in words. */
#ifndef TRACE_WORDS_H
#define TRACE_WORDS_H

#include "trace/entry.h"

/* Prints the entry as a sentence; one that has no words of ours as event and fields. */
void words_print(const struct entry *e);

#endif
