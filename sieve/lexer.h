/* The words of a Sieve script (RFC 5228 section 8.1). */
#ifndef SIEVE_LEXER_H
#define SIEVE_LEXER_H

#include <stdint.h>

#include "lib/base/cursor.h"
#include "sieve/script.h"

enum sieve_token_kind {
	TOKEN_END,
	TOKEN_WRONG,  /* the problem is told */
	TOKEN_WORD,
	TOKEN_TAG,    /* text is without the colon */
	TOKEN_NUMBER, /* with its unit multiplied in */
	TOKEN_STRING, /* quoted or text:, line ends are LF */
	TOKEN_SIGN,   /* one of ( ) [ ] { } , ; */
};

struct sieve_token {
	enum sieve_token_kind kind;
	unsigned     line;
	struct slice text;
	uint64_t     number;
	char         sign;
};

struct sieve_lexer {
	struct cursor         text;
	unsigned              line;
	struct sieve_memory  *memory;
	struct sieve_problem *problem;
};

/* `text` must outlive the tokens. */
void sieve_lexer_begin(struct sieve_lexer *l, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem);
/* The next one. Behind TOKEN_END and TOKEN_WRONG nothing may be asked. */
struct sieve_token sieve_lexer_next(struct sieve_lexer *l);

#endif
