#include "tlsd/reach.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/keys.h"
#include "tlsd/path.h"
#include "tlsd/stock.h"

#define PLACES_MOST 50000

struct places {
	struct sandbox_path *paths;
	size_t               count, room;
};

static bool
is_beneath(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Adds a directory, unless one above it is there already, or it is the root, which would be everything. */
static void
add(struct places *places, const char *directory)
{
	for (size_t i = 0; i < places->count; i++)
		if (is_beneath(directory, places->paths[i].path))
			return;
	if (strcmp(directory, "/") == 0 || places->count >= PLACES_MOST)
		return;
	if (places->count == places->room) {
		places->room = places->room * 2 + 16;
		struct sandbox_path *more = reallocarray(places->paths, places->room, sizeof *more);
		if (more == NULL)
			exit(EXIT_TEMPORARY);
		places->paths = more;
	}
	places->paths[places->count++] = (struct sandbox_path){.path = strdup(directory), .fd = -1};
}

/* The directory as it is named (if it is there), and as it is without symbolic links. */
static void
add_both(struct places *places, const char *directory)
{
	char *real = realpath(directory, NULL);
	if (real != NULL)
		add(places, real);
	free(real);
}

static void
add_directory_of(struct places *places, const char *file)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", file);
	add_both(places, dirname(copy));
	char *real = realpath(file, NULL);
	if (real != NULL)
		add(places, dirname(real));
	free(real);
}

/* certbot's live/NAME/ holds links into archive/NAME/: of names to come too. */
static void
add_archive(struct places *places, const char *directory)
{
	char archive[PATH_MAX], copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", directory);
	if (strcmp(basename(copy), "live") != 0)
		return;
	snprintf(copy, sizeof copy, "%s", directory);
	int len = snprintf(archive, sizeof archive, "%s/archive", dirname(copy));
	if (len > 0 && (size_t)len < sizeof archive)
		add_both(places, archive);
}

bool
reach_enter(const struct contract *contract)
{
	static struct places places;
	struct path certificates = path_of(keys_settings.certificates);
	add_both(&places, settings_directory());
	if (keys_settings.certificates[0] != '\0') {
		add_both(&places, certificates.text);
		add_archive(&places, certificates.text);
	}
	add_directory_of(&places, path_of(keys_settings.certificate).text);
	add_directory_of(&places, path_of(keys_settings.private_key).text);
	if (keys_settings.client_ca[0] != '\0')
		add_directory_of(&places, path_of(keys_settings.client_ca).text);
	for (size_t i = 1; i < stock_count(); i++)
		for (int f = 0; f < ENTRY_FILES; f++)
			add_directory_of(&places, stock_entry(i)->files[f]);
	return sandbox_enter(contract, places.paths, places.count);
}
