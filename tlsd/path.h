/* File names in settings. */
#ifndef TLSD_PATH_H
#define TLSD_PATH_H

#include <limits.h>

struct path {
	char text[PATH_MAX];
};

/* A relative name is beneath the settings directory. "" stays "". One that is too long becomes one that cannot be opened. */
struct path path_of(const char *setting);

#endif
