/* The arguments of one command or test: tags with their values, and those without a tag in order. */
#ifndef SIEVE_ARGUMENTS_H
#define SIEVE_ARGUMENTS_H

#include "sieve/script.h"

struct sieve_checking {
	unsigned              extensions; /* required so far */
	struct sieve_memory  *memory;
	struct sieve_problem *problem;
};

/* Fills call->said by its definition. False with the problem told. */
bool sieve_arguments_read(struct sieve_checking *c, struct sieve_call *call);

#endif
