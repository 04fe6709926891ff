#include "authd/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line; NUL bytes are no part of a password, for no protocol can carry them. */
static bool
read_line(FILE *from, struct str *answer)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len = getline(&line, &room, from);
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	bool ok = len > 0 && memchr(line, '\0', (size_t)len) == NULL && str_set(answer, slice_make(line, (size_t)len));
	if (line != NULL)
		explicit_bzero(line, room);
	free(line);
	return ok;
}

bool
password_from_stdin(struct str *password)
{
	return read_line(stdin, password);
}

static bool
ask(FILE *terminal, const char *prompt, struct str *answer)
{
	fputs(prompt, terminal);
	fflush(terminal);
	bool ok = read_line(terminal, answer);
	fputc('\n', terminal);
	return ok;
}

static bool
ask_twice(FILE *terminal, struct str *password)
{
	struct str again = STR_MOST(password->limit);
	bool ok = ask(terminal, "Password: ", password) && ask(terminal, "Again: ", &again) &&
	    slice_equal(str_slice(password), str_slice(&again));
	if (again.data != NULL)
		explicit_bzero(again.data, again.room);
	str_free(&again);
	return ok;
}

bool
password_from_terminal(struct str *password, bool twice)
{
	FILE *terminal = fopen("/dev/tty", "r+e");
	if (terminal == NULL)
		return false;
	struct termios before;
	bool known = tcgetattr(fileno(terminal), &before) == 0;
	struct termios quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (known)
		tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
	bool ok = twice ? ask_twice(terminal, password) : ask(terminal, "Password: ", password);
	if (known)
		tcsetattr(fileno(terminal), TCSAFLUSH, &before);
	fclose(terminal);
	return ok;
}
