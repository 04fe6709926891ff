/* What is to be done with a message: as without a script, or as its recipient's script says (sieve.h). */
#ifndef DELIVER_PLAN_H
#define DELIVER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_STORES_MOST    8
#define PLAN_REDIRECTS_MOST 32

/* A folder that it goes to. */
struct plan_store {
	char   *folder;   /* in UTF-8; NULL: where mail goes without a script */
	bool    create;   /* the script wants it made */
	uint8_t flags;    /* enum message_flag */
	char   *keywords; /* with spaces between; NULL: none */
};

/* Texts are malloc'ed. */
struct plan {
	struct plan_store stores[PLAN_STORES_MOST];
	size_t            store_count;
	char             *redirects[PLAN_REDIRECTS_MOST]; /* addresses */
	size_t            redirect_count;
	char             *refusal;  /* why it is refused for good; NULL: it is not */
	char             *answer;   /* a message to its sender; with a refusal it says so in its place; NULL: none */
	size_t            answer_len;
	uint64_t          mark, window; /* he had that answer already when this mark is no older than so many seconds */
};

/* One store, where mail goes without a script. */
void plan_keep(struct plan *p);
/* Gives the texts back; the plan is empty. */
void plan_free(struct plan *p);

#endif
