/* The name of this host, as the setting `hostname` says it: in greetings, headers, and the names of files in Maildirs. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "lib/base/settings.h"

/* Set by the setting below, which the table of each program that says its name holds. */
extern const char *host_setting;

#define HOST_SETTING                                                                                     \
	{"hostname", SETTING_TEXT, "", "name of this host; empty: what gethostname(2) says", &host_setting, 0, 0}

/* What the setting says, else the kernel, else "localhost": never empty. Valid until the program ends. */
const char *host_name(void);

#endif
