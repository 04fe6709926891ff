/*
 * Charsets of messages, made UTF-8 by the libc's iconv(3). The static programs'
 * musl has its tables within it; glibc loads modules, so all are opened before
 * a program shuts the file system to itself, and stay open.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct charset;

/* Opens those that this libc knows. Once; without it only US-ASCII and UTF-8 are known. */
void charset_open(void);
/*
 * The charset of that name, as mail and IMAP write it: case, hyphens and a
 * leading "x-" do not matter, and the names that mail programs use for it are
 * known. NULL: this one is not known.
 */
const struct charset *charset_find(struct slice name);
/* US-ASCII, which is taken for UTF-8: mail without a charset mostly is. */
const struct charset *charset_default(void);
/* The known ones' names one by one, from 0 on; NULL at the end. */
const char *charset_name(size_t index);

/* Bytes that come piece by piece. */
struct charset_reader {
	const struct charset *charset;
	iconv_t iconv;
	char    held[8]; /* of a character that is not whole yet */
	size_t  held_len;
};

/* False without memory: then it reads as UTF-8. charset_end() is due. */
bool charset_begin(struct charset_reader *r, const struct charset *charset);
/* Appends them as UTF-8, U+FFFD for what is broken. False when `into` is full. */
bool charset_feed(struct charset_reader *r, struct slice bytes, struct str *into);
/* Appends what is held back still: glibc waits whether the next byte is a mark on the letter (windows-1255, windows-1258). */
void charset_end(struct charset_reader *r, struct str *into);

/* Appends a whole text. False when `into` is full. */
bool charset_append(const struct charset *charset, struct slice bytes, struct str *into);

#endif
