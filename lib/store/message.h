/* One message of a view, between the files of the store; lib/store only. */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <sys/stat.h>

#include "lib/store/folder.h"

/* stat(2) of its file, which is looked for when it was renamed. False with errno. */
bool message_stat(struct folder *f, struct message *m, struct stat *st);

#endif
