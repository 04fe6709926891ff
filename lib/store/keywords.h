/* `dovecot-keywords` of a folder; the store's own. What everybody may call is folder_keyword(). */
#ifndef STORE_KEYWORDS_H
#define STORE_KEYWORDS_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/store/folder.h"

/* There is such a file. */
bool keywords_exist(const struct folder *f);
/* The letter of a keyword, given in memory alone when it has none. -1: no atom, or none is left. */
int keywords_letter(struct folder *f, struct slice keyword);
/* Writes what is in memory, under its lock. Durable. False with errno. */
bool keywords_write(struct folder *f);

#endif
