#include "lib/base/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/paths.h"
#include "lib/base/slice.h"

#define SETTINGS_MOST 256 /* of one program */

static const char *const kind_names[] = {"text", "number", "size", "time", "yes/no"};

const char *
settings_directory(void)
{
	const char *chosen = getauxval(AT_SECURE) ? NULL : getenv("POSTERN_SETTINGS");
	return chosen != NULL && chosen[0] == '/' ? chosen : paths_settings;
}

char *
settings_read_file(const char *name, size_t most, size_t *len)
{
	if (name[0] == '/')
		return file_read_whole(AT_FDCWD, name, most, len);
	int directory = open(settings_directory(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return NULL;
	char *content = file_read_whole(directory, name, most, len);
	int saved = errno;
	close(directory);
	errno = saved;
	return content;
}

static bool
parse(const struct setting *s, const char *text)
{
	uint64_t most = s->most != 0 ? s->most : UINT64_MAX;
	struct slice t = slice_of(text);
	uint64_t number = 0;
	bool ok = true;
	switch (s->kind) {
	case SETTING_TEXT:
		*(const char **)s->value = text;
		return true;
	case SETTING_FLAG:
		*(bool *)s->value = slice_is_nocase(t, "yes");
		return slice_is_nocase(t, "yes") || slice_is_nocase(t, "no");
	case SETTING_NUMBER:
		ok = number_parse(t, most, &number);
		break;
	case SETTING_SIZE:
		ok = number_parse_size(t, most, &number);
		break;
	case SETTING_SECONDS:
		ok = number_parse_seconds(t, most, &number);
		break;
	}
	*(uint64_t *)s->value = number;
	return ok && number >= s->least;
}

/* Says what is wrong with a setting and what would be right. */
static bool
complain(const struct setting *s, const char *problem)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", settings_directory(), s->name);
	char hint[512];
	snprintf(hint, sizeof hint, "write a %s there (%s)%s%s", kind_names[s->kind], s->meaning,
	    s->fallback != NULL ? "; or delete the file for the default " : "",
	    s->fallback != NULL ? s->fallback : "");
	log_error("setting-wrong", log_text("file", path), log_text("reason", problem), log_text("hint", hint));
	return false;
}

/* Cuts line ends (and spaces before them) from the end. */
static void
trim_end(char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		text[--len] = '\0';
}

static bool
load_one(int directory, const struct setting *s)
{
	size_t len = 0;
	char *text = directory >= 0 ? file_read_whole(directory, s->name, SETTING_MOST, &len) : NULL;
	if (text == NULL && directory >= 0 && errno != ENOENT)
		return complain(s, strerror(errno));
	if (text == NULL) {
		if (s->fallback == NULL)
			return complain(s, "it is missing and has no default");
		return parse(s, s->fallback) || complain(s, "the default does not fit");
	}
	const char *problem = memchr(text, '\0', len) != NULL ? "it holds a NUL byte" : NULL;
	trim_end(text, len);
	if (problem == NULL && !parse(s, text))
		problem = "the value does not fit";
	/* A text is the value itself and lives on; of the others nothing is left in it. */
	if (problem != NULL || s->kind != SETTING_TEXT)
		free(text);
	return problem == NULL || complain(s, problem);
}

/* A missing directory is as one without files: all defaults. */
static int
open_directory(void)
{
	return openat(AT_FDCWD, settings_directory(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void
mark(const struct setting *table, size_t count, const char *name, bool *there)
{
	for (size_t i = 0; i < count; i++)
		there[i] = there[i] || strcmp(table[i].name, name) == 0;
}

/*
 * Marks those of the table that have a file. Most have none, and a program that
 * lives for one connection would spend more time on opening them in vain than on
 * one listing. A listing that fails says nothing: then each is tried.
 */
static void
find_files(const struct setting *table, size_t count, bool *there)
{
	DIR *listing = opendir(settings_directory());
	struct dirent *entry = NULL;
	memset(there, 0, count);
	errno = 0;
	while (listing != NULL && (entry = readdir(listing)) != NULL)
		mark(table, count, entry->d_name, there);
	if (listing == NULL || errno != 0)
		memset(there, 1, count);
	if (listing != NULL)
		closedir(listing);
}

bool
settings_load(const struct setting *table, size_t count)
{
	bool there[SETTINGS_MOST];
	bool ok = true;
	int directory = open_directory();
	if (count > SETTINGS_MOST)
		return false;
	find_files(table, count, there);
	for (size_t i = 0; i < count; i++)
		ok = load_one(there[i] ? directory : -1, &table[i]) && ok;
	if (directory >= 0)
		close(directory);
	return ok;
}

static void
print_value(const struct setting *s)
{
	if (s->kind == SETTING_TEXT) {
		for (const char *p = *(const char **)s->value; *p != '\0'; p++)
			putchar(*p == '\n' || *p == '\t' ? ' ' : *p);
		return;
	}
	if (s->kind == SETTING_FLAG)
		fputs(*(bool *)s->value ? "yes" : "no", stdout);
	else
		printf("%llu", (unsigned long long)*(uint64_t *)s->value);
}

bool
settings_print(const struct setting *table, size_t count)
{
	bool all = true;
	int directory = open_directory();
	for (size_t i = 0; i < count; i++) {
		const struct setting *s = &table[i];
		bool ok = load_one(directory, s);
		all = all && ok;
		printf("%s\t%s\t%s\t", s->name, kind_names[s->kind], s->fallback != NULL ? s->fallback : "(must be set)");
		if (ok)
			print_value(s);
		printf("\t%s\n", s->meaning);
	}
	if (directory >= 0)
		close(directory);
	return all;
}
