/* Where a user's script is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deliver/sieve.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/store/directory.h"

#define SCRIPT_MOST (256u << 10) /* bytes; the interpreter takes no more (sieve/script.h) */

/*
 * Clients that manage scripts leave a link to the one that is active in its
 * place: it is followed as long as it stays beneath the user's own directory.
 */
static int
open_beneath(int directory, const char *name)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

static char *
read_script(int fd, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return NULL;
	errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size > SCRIPT_MOST)
		return NULL;
	char *text = malloc((size_t)st.st_size + 1);
	*len = (size_t)st.st_size;
	if (text != NULL && !file_read_at(fd, text, *len, 0)) {
		free(text);
		text = NULL;
	}
	return text;
}

static char *
find_in(int directory, size_t *len)
{
	int fd = open_beneath(directory, sieve_config.script);
	if (fd < 0)
		return NULL;
	char *text = read_script(fd, len);
	directory_close(fd);
	return text;
}

/* "example.org/anna/Maildir/" is in the home "example.org/anna/". Any other Maildir is the home itself. */
static bool
home_of(const char *maildir, struct str *home)
{
	struct slice path = slice_of(maildir);
	while (slice_ends(path, "/"))
		path = slice_first(path, path.len - 1);
	size_t last = slice_find_last(path, '/');
	return last < path.len && slice_is(slice_from(path, last + 1), "Maildir") && str_append_slice(home, slice_first(path, last + 1));
}

char *
sieve_find_script(int mail_root, const struct maildir *m, const char *maildir, size_t *len)
{
	struct str home = STR_MOST(4096);
	struct maildir above;
	char *text = NULL;
	errno = ENOENT;
	if (home_of(maildir, &home) && maildir_open(&above, mail_root, str_text(&home), false)) {
		text = find_in(above.root, len);
		int saved = errno;
		maildir_close(&above);
		errno = saved;
	}
	str_free(&home);
	return text != NULL || errno != ENOENT ? text : find_in(m->root, len);
}
