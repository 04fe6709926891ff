#include "deliver/arguments.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "<a@b>" becomes "a@b". */
static char *
without_brackets(char *value)
{
	size_t len = strlen(value);
	if (len < 2 || value[0] != '<' || value[len - 1] != '>')
		return value;
	value[len - 1] = '\0';
	return value + 1;
}

/* Postfix's pipe(8) writes MAILER-DAEMON where the sender is the null one. */
static const char *
sender_of(char *value)
{
	char *sender = without_brackets(value);
	return strcmp(sender, "MAILER-DAEMON") == 0 ? "" : sender;
}

static bool
take(struct arguments *a, int option, char *value)
{
	switch (option) {
	case 'd':
		a->address = without_brackets(value);
		return true;
	case 'f':
		a->sender = sender_of(value);
		return true;
	case 'a':
		a->original = without_brackets(value);
		return true;
	case 'r':
		a->final = without_brackets(value);
		return true;
	case 'm':
		a->folder = value;
		return true;
	case 'e':
		a->refuses = true;
		return true;
	default:
		fprintf(stderr, "postern-deliver: option -%c is unknown, or lacks its value\n", optopt);
		return false;
	}
}

bool
arguments_read(int argc, char **argv, int first, struct arguments *a)
{
	*a = (struct arguments){.sender = ""};
	opterr = 0;
	optind = first;
	for (int option; (option = getopt(argc, argv, "+d:f:a:r:m:e")) != -1;)
		if (!take(a, option, optarg))
			return false;
	if (optind < argc)
		fprintf(stderr, "postern-deliver: what is \"%s\" to mean?\n", argv[optind]);
	else if (a->address == NULL || a->address[0] == '\0')
		fprintf(stderr, "postern-deliver: -d ADDRESS says whose mailbox it is\n");
	else
		return true;
	return false;
}
