/* Giving UIDs (scan.h has what others call): what its files share. lib/store only. */
#ifndef STORE_ASSIGN_H
#define STORE_ASSIGN_H

#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

struct matching {
	size_t all;       /* entries of the list that have no file in the view */
	size_t unseen;    /* of those: newer than all that the view has ever had */
	size_t conflicts; /* entries whose message has another UID */
};

/* The list's UIDs go to the messages that have none. */
struct matching assign_match(struct folder *f, const struct uidlist *l);
/* Numbers from l->uidnext on for those behind `known` that still have none, sorted. */
bool assign_number(struct folder *f, size_t known, struct uidlist *l);

/*
 * Puts the messages behind `known` in order: those with UIDs first, by UID, then those without, by their arrival and, of
 * one second, by what follows in their names. False without memory (36 bytes a message).
 */
bool order_from(struct folder *f, size_t known);

/* Nothing that is not known stands in the list with this stamp: it need not be read. */
bool assign_is_known(const struct folder *f, const struct index_stamp *stamp);
/* What the list has and the view has not: its tail, or all of it. */
enum uidlist_result assign_read_news(struct folder *f, struct uidlist *l);
/* All that is to be done under the list's lock. */
bool assign_locked(struct folder *f, size_t known);

/* Writing the list, with messages that have just been numbered. (assign_write.c) */
struct assignment {
	size_t   known;  /* messages behind it may be new */
	uint32_t first;  /* the lowest new UID */
	bool     stable; /* a message that is not in the view is gone for certain */
};

/* Whether it is time to write it anew, because much of it is lines of messages that are gone. */
bool assign_is_waste(struct folder *f, uint64_t size);
/* Anew, without what is gone; its bound goes along with the clock if we hold the index's lock. Durable, or false with errno. */
bool assign_rewrite(struct folder *f, struct uidlist *l, const struct assignment *a);
/* Only the new ones, behind what is there. EAGAIN: that is not as it was read. */
bool assign_append(struct folder *f, const struct uidlist *l, const struct assignment *a);

#endif
