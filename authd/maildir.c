#include "authd/maildir.h"

#include "lib/base/ascii.h"

#define PATH_MOST 4095
#define NAME_MOST 255

bool
maildir_is_safe(struct slice maildir)
{
	if (maildir.len == 0 || maildir.data[0] == '/' || maildir.len > PATH_MOST || ascii_has_control(maildir))
		return false;
	for (struct slice part; slice_split(&maildir, '/', &part);)
		if (part.len == 0 || part.len > NAME_MOST || slice_is(part, ".") || slice_is(part, ".."))
			return false;
	return true;
}
