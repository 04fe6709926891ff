/* The grammar of RFC 5228 section 8.2: which arguments, tests and blocks a word has, whatever the word means. */
#ifndef SIEVE_PARSER_H
#define SIEVE_PARSER_H

#include "sieve/script.h"

/* Makes a tree of the text, in `memory`; it points into the text as well. False with `problem`. */
bool sieve_parse(struct sieve_script *s, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem);

#endif
