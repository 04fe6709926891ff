/* Folders' names in order, and those beneath one: for LIST and LSUB. */
#ifndef IMAPD_NAMES_H
#define IMAPD_NAMES_H

#include "imapd/scratch.h"
#include "lib/store/folders.h"

bool names_has(const struct folder_names *names, struct slice name);
/* Whether `name` lies beneath `level`. */
bool names_is_beneath(struct slice name, struct slice level);
/* The index of the first name beneath it; those beneath follow each other. names->count where there is none. */
size_t names_beneath(const struct folder_names *names, struct slice level);

/* LIST's reference and pattern as one, as the client names folders; one that is too long fits nothing. False: no memory. */
bool names_join_pattern(struct scratch *scratch, struct slice reference, struct slice *pattern);

#endif
