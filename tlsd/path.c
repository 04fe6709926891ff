#include "tlsd/path.h"

#include <stdio.h>

#include "lib/base/settings.h"

struct path
path_of(const char *setting)
{
	struct path path = {.text = ""};
	if (setting[0] == '\0')
		return path;
	int len = setting[0] == '/' ? snprintf(path.text, sizeof path.text, "%s", setting)
	    : snprintf(path.text, sizeof path.text, "%s/%s", settings_directory(), setting);
	if (len < 0 || (size_t)len >= sizeof path.text)
		snprintf(path.text, sizeof path.text, "/dev/null/too-long");
	return path;
}
