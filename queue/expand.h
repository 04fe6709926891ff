/*
 * Alias expansion: what an alias's targets become in the queue file. Pure: no
 * lookups here. Loops end by a rule that needs no memory of its own: a target
 * that is the alias itself or one of its ancestors is final, that is, a
 * mailbox or nothing. Duplicates are the business of struct address_set.
 */
#ifndef QUEUE_EXPAND_H
#define QUEUE_EXPAND_H

#include "lib/base/outcome.h"
#include "queue/file.h"

#define EXPAND_DEPTH_MOST 20

/*
 * Fills `targets` (room for `count`) from `addresses`. Not done when the alias
 * lies too deep, the message would get too many recipients, or an address is not one.
 */
struct outcome expand_targets(const struct queue_file *f, uint32_t parent, const struct slice *addresses,
    size_t count, struct file_target *targets);

/* --- which addresses a message has seen ---------------------------------------- */

struct address_set {
	uint32_t *slots; /* index of a recipient + 1; 0: free */
	size_t    size, count;
	uint64_t  seed;
};

enum set_result { SET_ADDED, SET_THERE, SET_NO_MEMORY };

/* Adds recipient `index` unless one with the same address, equally final, is there. `*there`: which one is, itself perhaps. */
enum set_result address_set_add(struct address_set *s, const struct queue_file *f, uint32_t index, uint32_t *there);
/* Which one is there, itself perhaps. False: none. */
bool            address_set_find(const struct address_set *s, const struct queue_file *f, uint32_t index, uint32_t *there);
void            address_set_free(struct address_set *s);

#endif
