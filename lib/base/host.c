#include "lib/base/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_MOST 255

const char *host_setting = "";

const char *
host_name(void)
{
	static char name[NAME_MOST + 1];
	if (host_setting[0] != '\0')
		return host_setting;
	if (name[0] != '\0')
		return name;
	if (gethostname(name, sizeof name) < 0 || memchr(name, '\0', sizeof name) == NULL || name[0] == '\0')
		snprintf(name, sizeof name, "localhost");
	return name;
}
