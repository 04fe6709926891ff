/*
 * Settings: one directory, one setting a file (DESIGN.md section 9). The name
 * of the file is the setting, its content without the last line end the value;
 * an absent file means the default. A program states its settings in a table
 * and reads those only.
 *
 * The directory is fixed when the suite is built (make SETTINGS=DIR). The
 * environment variable POSTERN_SETTINGS names another one, except in a setuid
 * program, where the caller must not choose.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value is at most this long. */
#define SETTING_MOST 65536

enum setting_kind {
	SETTING_TEXT,    /* const char *: one line, or several */
	SETTING_NUMBER,  /* uint64_t */
	SETTING_SIZE,    /* uint64_t bytes: 10M */
	SETTING_SECONDS, /* uint64_t: 5d */
	SETTING_FLAG,    /* bool: yes or no */
};

struct setting {
	const char       *name;
	enum setting_kind kind;
	const char       *fallback; /* the default as text; NULL: must be set */
	const char       *meaning;  /* one line for people */
	void             *value;    /* where the value goes, of the kind's type */
	uint64_t          least, most; /* of numbers; most 0: no bound */
};

/*
 * Reads all settings of the table. On a mistake logs one line that names the
 * file, what is wrong and what to write there, and returns false. Texts live
 * until the program ends.
 */
bool settings_load(const struct setting *table, size_t count);

/* The directory that settings are read from. */
const char *settings_directory(void);

/* Prints name, kind, default, value and meaning of each, one a line, tabs between (--settings). False if one is broken. */
bool settings_print(const struct setting *table, size_t count);

/*
 * Reads a file named in a setting or beside the settings (relative names are
 * beneath the settings directory). Memory is malloc'ed, NUL behind `*len`
 * bytes. NULL with errno when it cannot be read or is longer than `most`.
 */
char *settings_read_file(const char *name, size_t most, size_t *len);

#endif
