#include "tlsd/stock.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tlsd/retired.h"

#define ENTRIES_MOST 20000

/* How a directory's files may be named: as ours are, and as certbot names its own. */
static const char *const file_names[][2] = {{"certificate.pem", "key.pem"}, {"fullchain.pem", "privkey.pem"}};
#define NAMINGS (sizeof file_names / sizeof *file_names)

static struct {
	struct entry **entries; /* by name; the default pair first */
	size_t         count;
	uint64_t       last_id;
	int            complained; /* errno of the directory that was logged */
} stock;

static void
retire_entry(struct entry *e)
{
	retired_add(e->pair.key, e->id);
	e->pair.key = NULL;
	entry_free(e);
}

EVP_PKEY *
stock_key(uint64_t id)
{
	for (size_t i = 0; i < stock.count && id != 0; i++)
		if (stock.entries[i]->id == id)
			return stock.entries[i]->pair.key;
	return retired_key(id);
}

/* --- which there are ----------------------------------------------------------------------- */

static bool
exists(const char *file)
{
	struct stat about;
	return lstat(file, &about) == 0;
}

/* An entry for DIRECTORY/NAME; NULL when nothing in it is named as a certificate or key. */
static struct entry *
make_entry(const char *directory, const char *name)
{
	char files[2][PATH_MAX], response[PATH_MAX];
	snprintf(response, sizeof response, "%s/%s/ocsp.der", directory, name);
	for (size_t i = 0; i < NAMINGS; i++) {
		for (int k = 0; k < 2; k++)
			snprintf(files[k], sizeof files[k], "%s/%s/%s", directory, name, file_names[i][k]);
		if (exists(files[0]) || exists(files[1]))
			return entry_new(name, files[0], files[1], response);
	}
	return NULL;
}

/* Neither of its files is there any more: it was taken away, or others are there by the other names. */
static bool
is_empty(const struct entry *e)
{
	return !exists(e->files[ENTRY_CERTIFICATE]) && !exists(e->files[ENTRY_KEY]);
}

static struct entry *
make_default(const struct stock_places *places)
{
	char response[PATH_MAX];
	const char *slash = strrchr(places->certificate, '/');
	snprintf(response, sizeof response, "%.*s/ocsp.der", (int)(slash - places->certificate), places->certificate);
	return entry_new("", places->certificate, places->key, response);
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* In the order of strcmp(3), which that of a locale need not be. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The names in the directory; -1 when it cannot be read, said once. */
static int
list(const char *directory, struct dirent ***names)
{
	*names = NULL;
	if (directory[0] == '\0')
		return 0;
	int count = scandir(directory, names, is_visible, by_name);
	int error = count < 0 ? errno : 0;
	if (error != 0 && error != stock.complained)
		log_error("certificates-unreadable", log_text("directory", directory), log_text("reason", strerror(error)),
		    log_text("hint", "let postern-tlsd read it: chgrp postern-tlsd, mode 750; "
		             "restart it if the setting is new; those from before go on"));
	stock.complained = error;
	return count;
}

static void
free_names(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Takes the entry of that name out of the old ones, which are in the same order; those before it are gone. */
static struct entry *
take_old(const char *name, size_t *at, bool *gone)
{
	for (; *at < stock.count; (*at)++) {
		int order = strcmp(stock.entries[*at]->name, name);
		if (order == 0)
			return stock.entries[(*at)++];
		if (order > 0)
			return NULL;
		*gone = true;
		retire_entry(stock.entries[*at]);
	}
	return NULL;
}

static bool
is_same_default(const struct entry *e, const struct stock_places *places)
{
	return strcmp(e->files[ENTRY_CERTIFICATE], places->certificate) == 0 &&
	    strcmp(e->files[ENTRY_KEY], places->key) == 0;
}

/* The default pair of other files: its last one goes on until these are fit. */
static struct entry *
default_entry(const struct stock_places *places)
{
	struct entry *old = stock.count > 0 ? stock.entries[0] : NULL;
	if (old != NULL && is_same_default(old, places))
		return old;
	struct entry *new = make_default(places);
	if (new == NULL || old == NULL)
		return new != NULL ? new : old;
	new->id = old->id;
	new->pair = old->pair;
	old->pair = (struct pair){.key = NULL};
	entry_free(old);
	return new;
}

/* The entry of that name: the old one while its files are there, else a new one; NULL: it has no files. */
static struct entry *
entry_of(const char *directory, const char *name, size_t *at, bool *gone)
{
	struct entry *e = take_old(name, at, gone);
	if (e != NULL && !is_empty(e))
		return e;
	if (e != NULL) {
		*gone = true;
		retire_entry(e);
	}
	return make_entry(directory, name);
}

/* Brings the entries into agreement with the directory. Whether one is gone. */
static bool
update_entries(const struct stock_places *places)
{
	struct dirent **names;
	int count = list(places->directory, &names);
	bool gone = false;
	size_t old = 1, made = 0;
	if (count < 0 && stock.count > 0)
		return false;
	struct entry **entries = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof *entries);
	if (entries == NULL) {
		free_names(names, count);
		return false;
	}
	entries[made++] = default_entry(places);
	for (int i = 0; i < count && made < ENTRIES_MOST; i++) {
		struct entry *e = entry_of(places->directory, names[i]->d_name, &old, &gone);
		if (e != NULL)
			entries[made++] = e;
	}
	for (; old < stock.count; old++) {
		gone = true;
		retire_entry(stock.entries[old]);
	}
	free_names(names, count);
	free(stock.entries);
	stock.entries = entries;
	stock.count = entries[0] != NULL ? made : 0;
	return gone;
}

/* --- looking --------------------------------------------------------------------------------- */

static void
use_new(struct entry *e, struct pair *before, bool first)
{
	retired_add(before->key, e->id);
	before->key = NULL;
	pair_free(before);
	e->id = ++stock.last_id;
	if (!first)
		log_info("certificate-renewed", log_text("file", e->files[ENTRY_CERTIFICATE]),
		    log_text("names", str_text(&e->pair.names)), log_text("key", e->pair.kind));
}

static enum entry_result
look_at(struct entry *e, struct pair_rules *rules, bool again, bool aloud, bool first)
{
	struct pair before;
	bool was_refused = e->refused[0] != '\0';
	if (aloud)
		e->refused[0] = '\0';
	enum entry_result r = entry_look(e, again || (aloud && was_refused), rules, &before);
	if (r == ENTRY_NEW)
		use_new(e, &before, first);
	return r;
}

struct stock_look
stock_look(const struct stock_places *places, const struct profile *profile, bool again, bool aloud)
{
	bool first = stock.count == 0;
	struct stock_look result = {.changed = update_entries(places)};
	struct pair_rules rules = {.profile = profile};
	for (size_t i = 0; i < stock.count; i++) {
		enum entry_result r = look_at(stock.entries[i], &rules, again, aloud, first);
		result.unfit += r == ENTRY_UNFIT;
		result.changed = result.changed || r == ENTRY_NEW;
	}
	pair_rules_free(&rules);
	result.unfit += stock.complained != 0;
	return result;
}

void
stock_note_times(void)
{
	int64_t now = clock_unix();
	for (size_t i = 0; i < stock.count; i++)
		entry_note_times(stock.entries[i], now);
}

size_t
stock_count(void)
{
	return stock.count;
}

struct entry *
stock_entry(size_t number)
{
	return stock.entries[number];
}
