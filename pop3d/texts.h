/*
 * What is said to POP3 clients, in each language that LANG offers (RFC 6856
 * section 3). The table is data: a language is a column, a text a row.
 */
#ifndef POP3D_TEXTS_H
#define POP3D_TEXTS_H

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/stream.h"

enum language {
	LANGUAGE_DEFAULT, /* i-default (RFC 2277 section 4.5), in English */
	LANGUAGE_ENGLISH,
	LANGUAGE_CHINESE,
	LANGUAGES,
};

enum text {
	TEXT_READY,
	TEXT_BYE,
	TEXT_CAPABILITIES,
	TEXT_LANGUAGES,
	TEXT_LANGUAGE_SET,
	TEXT_LANGUAGE_UNKNOWN,
	TEXT_UTF8_ON,
	TEXT_UNKNOWN_COMMAND,
	TEXT_NOT_BEFORE_LOGIN,
	TEXT_NOT_AFTER_LOGIN,
	TEXT_NO_APOP,
	TEXT_NO_ARGUMENT,
	TEXT_LINE_TOO_LONG,
	TEXT_TOO_SLOW,
	TEXT_COME_LATER,
	TEXT_TOO_MANY_MISTAKES,
	TEXT_BEGIN_TLS,
	TEXT_TLS_ALREADY,
	TEXT_TLS_AWAY,
	TEXT_TLS_AFTER_UTF8,
	TEXT_TLS_TOO_MANY,
	TEXT_TLS_FIRST,
	TEXT_LOGINS_TOO_MANY,
	TEXT_BAD_USER,
	TEXT_NOT_UTF8,
	TEXT_NOW_PASSWORD,
	TEXT_USER_FIRST,
	TEXT_WRONG_PASSWORD,
	TEXT_MECHANISMS,
	TEXT_MECHANISM_UNKNOWN,
	TEXT_CANCELLED,
	TEXT_MESSAGES,
	TEXT_FOLLOWS,
	TEXT_LIST,
	TEXT_NO_MESSAGE,
	TEXT_DELETED,
	TEXT_VANISHED,
	TEXT_UNREADABLE,
	TEXT_TOP_FORM,
	TEXT_WILL_REMOVE,
	TEXT_NOTHING_REMOVED,
	TEXT_DONE,
	TEXT_NOT_ALL_REMOVED,
	TEXT_IN_USE,
	TEXT_CANNOT_LOCK,
	TEXT_CANNOT_READ,
	TEXT_LOGIN_DELAY,
	TEXTS,
};

const char *text_in(enum language language, enum text text);

/* "+OK text", "+OK number text", "-ERR text" and "-ERR [code] text" (RFC 2449 section 8; NULL: no code). */
void reply_ok(struct output *out, enum language language, enum text text);
void reply_number(struct output *out, enum language language, uint64_t number, enum text text);
void reply_error(struct output *out, enum language language, const char *code, enum text text);

/* The tag that LANG names it by: "zh". */
const char *language_tag(enum language language);
/* By such a tag, whatever is behind its first part and its case ("ZH-Hans-CN"); "*" is the default. False: not offered. */
bool language_find(struct slice range, enum language *language);
/*
 * LANG with what is behind its name: without it lists what there is, else
 * changes `*language`, in which it answers then. False: it was refused.
 */
bool language_command(struct output *out, enum language *language, struct slice argument);

#endif
