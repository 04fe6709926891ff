#include "authd/maildir.h"

#define PATH_MOST 4095
#define NAME_MOST 255

bool
is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			return false;
	return true;
}

bool
maildir_is_safe(struct slice maildir)
{
	if (maildir.len == 0 || maildir.data[0] == '/' || maildir.len > PATH_MOST || !is_printable(maildir))
		return false;
	for (struct slice part; slice_split(&maildir, '/', &part);)
		if (part.len == 0 || part.len > NAME_MOST || slice_is(part, ".") || slice_is(part, ".."))
			return false;
	return true;
}
