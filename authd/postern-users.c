/*
 * postern-users: the embedded users. Changes the text file of users and
 * compiles it into the cdb that authd reads.
 *
 * Run by the administrator (root), or by the one user of a demo. Reads and
 * writes the files of the settings users_file and users_cdb; as root gives the
 * cdb to postern-authd. Connects to nothing.
 * Exit: 0 done, 100 misuse or a mistake in the file, 111 temporary trouble.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/hash.h"
#include "authd/password.h"
#include "authd/users_edit.h"
#include "lib/base/log.h"
#include "lib/base/program.h"

#define OWNER "postern-authd"

static const char *users_file, *users_cdb;

static const struct setting settings[] = {
	{"users_file", SETTING_TEXT, "users", "the text file of embedded users (beneath the settings directory, or an absolute path)", &users_file, 0, 0},
	{"users_cdb", SETTING_TEXT, "/var/lib/postern/authd/users.cdb", "the cdb that it is compiled into", &users_cdb, 0, 0},
};

static const struct contract contract = {
	.reaches = "what its caller may; uses users_file and users_cdb",
	.sockets = "none",
	.compromise = "the embedded users: it is the administrator's tool and parses nobody else's input",
};

static const struct program program = {
	.name = "postern-users",
	.user = "root",
	.usage = "add|passwd|delete|alias|unalias|list|compile ...",
	.help =
	    "  add ADDRESS [--stdin] [--scheme NAME] [--maildir DIR] [--quota SIZE]\n"
	    "                                                         a new user; asks for the password\n"
	    "  passwd ADDRESS [--stdin] [--scheme NAME]               another password\n"
	    "  delete ADDRESS                                         the user goes (his Maildir stays)\n"
	    "  alias ADDRESS TARGET ...                               ADDRESS may be @domain: all the rest of a domain\n"
	    "  unalias ADDRESS\n"
	    "  list                                                   users and aliases\n"
	    "  compile                                                after editing the file by hand",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static _Noreturn void
die(int code, const char *what, const char *detail)
{
	fprintf(stderr, "postern-users: %s%s%s\n", what, detail[0] != '\0' ? ": " : "", detail);
	exit(code);
}

/* --- passwords ------------------------------------------------------------------- */

/* The caller frees it. */
static char *
ask_hash(bool from_stdin, const char *scheme)
{
	struct str password = STR_MOST(PASSWORD_MOST);
	if (!from_stdin && !isatty(STDIN_FILENO))
		die(EXIT_MISUSE, "standard input is not a terminal", "say --stdin to read the password from it (one line)");
	if (!(from_stdin ? password_from_stdin(&password) : password_from_terminal(&password, true)))
		die(EXIT_MISUSE, "no password", "it must be one line of 1 to 511 bytes, twice the same");
	char *hash = hash_make(scheme, str_text(&password));
	explicit_bzero(password.data, password.room);
	str_free(&password);
	if (hash == NULL && errno == EINVAL)
		die(EXIT_MISUSE, "new passwords are not stored so; there are", HASH_MADE);
	if (hash == NULL && errno == ERANGE)
		die(EXIT_MISUSE, "the password is too long for this scheme", scheme);
	if (hash == NULL)
		die(EXIT_TEMPORARY, "the password could not be hashed", "");
	return hash;
}

/* --- commands -------------------------------------------------------------------- */

struct arguments {
	const char *address;
	const char *maildir, *quota;
	const char *scheme;
	bool        from_stdin;
	char      **rest; /* targets */
	int         rest_count;
};

static struct slice
field_or_dash(const char *text)
{
	return slice_of(text != NULL && text[0] != '\0' ? text : "-");
}

static void
add_user(struct users_edit *e, const struct arguments *a)
{
	if (users_edit_find(e, USERS_USER, slice_of(a->address)))
		die(EXIT_MISUSE, "there is such a user already", a->address);
	char *hash = ask_hash(a->from_stdin, a->scheme);
	struct slice fields[] = {slice_of("user"), slice_of(a->address), slice_of(hash), field_or_dash(a->maildir), field_or_dash(a->quota)};
	users_edit_append(e, fields, 5);
	free(hash);
}

static void
change_password(struct users_edit *e, const struct arguments *a)
{
	if (!users_edit_find(e, USERS_USER, slice_of(a->address)))
		die(EXIT_MISUSE, "there is no such user", a->address);
	char *hash = ask_hash(a->from_stdin, a->scheme);
	struct users_line old = e->found;
	struct slice fields[] = {slice_of("user"), old.address, slice_of(hash),
	    old.maildir.len > 0 ? old.maildir : slice_of("-"), old.quota.len > 0 ? old.quota : slice_of("-")};
	users_edit_replace(e, fields, 5);
	free(hash);
}

static void
delete_user(struct users_edit *e, const struct arguments *a)
{
	if (!users_edit_find(e, USERS_USER, slice_of(a->address)))
		die(EXIT_MISUSE, "there is no such user", a->address);
	users_edit_replace(e, NULL, 0);
}

static void
set_alias(struct users_edit *e, const struct arguments *a)
{
	size_t count = (size_t)a->rest_count + 2;
	struct slice *fields = calloc(count, sizeof *fields);
	if (fields == NULL)
		die(EXIT_TEMPORARY, "no memory", "");
	fields[0] = slice_of("alias");
	fields[1] = slice_of(a->address);
	for (int i = 0; i < a->rest_count; i++)
		fields[i + 2] = slice_of(a->rest[i]);
	if (users_edit_find(e, USERS_ALIAS, slice_of(a->address)))
		users_edit_replace(e, fields, count);
	else
		users_edit_append(e, fields, count);
	free(fields);
}

static void
delete_alias(struct users_edit *e, const struct arguments *a)
{
	if (!users_edit_find(e, USERS_ALIAS, slice_of(a->address)))
		die(EXIT_MISUSE, "there is no such alias", a->address);
	users_edit_replace(e, NULL, 0);
}

static void
list(struct users_edit *e, const struct arguments *a)
{
	(void)a;
	struct slice text = str_slice(&e->text);
	for (struct slice line; slice_split(&text, '\n', &line);) {
		struct users_line l = users_line_parse(line);
		if (l.kind == USERS_USER)
			printf("user  %.*s %.*s %.*s\n", (int)l.address.len, l.address.data,
			    l.maildir.len > 0 ? (int)l.maildir.len : 1, l.maildir.len > 0 ? l.maildir.data : "-",
			    l.quota.len > 0 ? (int)l.quota.len : 1, l.quota.len > 0 ? l.quota.data : "-");
		if (l.kind == USERS_ALIAS)
			printf("alias %.*s%.*s\n", (int)l.address.len, l.address.data, (int)l.targets.len, l.targets.data);
	}
}

static const struct command {
	const char *name;
	void (*run)(struct users_edit *e, const struct arguments *a); /* NULL: compile only */
	bool address, catch_all, targets, changes;
} commands[] = {
    {"add", add_user, true, false, false, true},
    {"passwd", change_password, true, false, false, true},
    {"delete", delete_user, true, false, false, true},
    {"alias", set_alias, true, true, true, true},
    {"unalias", delete_alias, true, true, false, true},
    {"list", list, false, false, false, false},
    {"compile", NULL, false, false, false, true},
};

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	program_usage(&program);
}

static void
parse_arguments(const struct command *c, int argc, char **argv, struct arguments *a)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--stdin") == 0)
			a->from_stdin = true;
		else if (strcmp(argv[i], "--scheme") == 0 && i + 1 < argc)
			a->scheme = argv[++i];
		else if (strcmp(argv[i], "--maildir") == 0 && i + 1 < argc)
			a->maildir = argv[++i];
		else if (strcmp(argv[i], "--quota") == 0 && i + 1 < argc)
			a->quota = argv[++i];
		else if (c->address && a->address == NULL && argv[i][0] != '-')
			a->address = argv[i];
		else if (c->targets && argv[i][0] != '-') {
			a->rest = argv + i;
			a->rest_count = argc - i;
			break;
		} else
			program_usage(&program);
	}
	if (c->address && a->address == NULL)
		program_usage(&program);
	if (c->targets && a->rest_count == 0)
		die(EXIT_MISUSE, "an alias needs at least one target", "postern-users alias ADDRESS TARGET ...");
	if (c->address && !users_address_ok(slice_of(a->address), c->catch_all))
		die(EXIT_MISUSE, "this is not an address (name@domain)", a->address);
}

static void
compile(struct users_edit *e)
{
	struct str problem = STR_MOST(1024);
	const struct passwd *owner = geteuid() == 0 ? getpwnam(OWNER) : NULL;
	if (!users_compile(str_slice(&e->text), users_cdb, owner != NULL ? owner->pw_uid : (uid_t)-1,
	        owner != NULL ? owner->pw_gid : (gid_t)-1, &problem)) {
		fprintf(stderr, "postern-users: %s was not made from %s: %s\n", users_cdb, e->path, str_text(&problem));
		/* A mistake in a line is the administrator's; anything else is the file system's. */
		exit(strncmp(str_text(&problem), "line ", 5) == 0 ? EXIT_MISUSE : EXIT_TEMPORARY);
	}
	str_free(&problem);
}

int
main(int argc, char **argv)
{
	program_begin(&program, argc, argv);
	program_settings(&program);
	const struct command *c = find_command(argc > 1 ? argv[1] : "");
	struct arguments a = {.scheme = "YESCRYPT"};
	struct users_edit e;
	parse_arguments(c, argc, argv, &a);
	if (!users_edit_open(&e, users_file, c->changes))
		die(EXIT_TEMPORARY, "the file of users cannot be opened", e.problem);
	if (c->run != NULL)
		c->run(&e, &a);
	if (c->changes) {
		/* The cdb first: a mistake leaves both files as they were. */
		compile(&e);
		if (c->run != NULL && !users_edit_save(&e))
			die(EXIT_TEMPORARY, "the file of users cannot be written", e.problem);
	}
	users_edit_close(&e);
	return EXIT_DONE;
}
