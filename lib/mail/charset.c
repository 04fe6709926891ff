#include "lib/mail/charset.h"

#include <string.h>

#include "lib/mail/charset_within.h"

#define NOT_OPEN ((iconv_t)-1)

/*
 * `library`: names for iconv(3), the first that it knows is taken: the one
 * with more characters where mail is known to use those under the lesser name.
 * NULL: UTF-8 as it is. `others`: how mail calls it besides. All lists have spaces between.
 */
struct charset {
	const char *name, *library, *others;
};

static const struct charset charsets[] = {
	{"US-ASCII", NULL, "ascii ansi_x3.4-1968 iso646-us us cp367 unknown-8bit"},
	{"UTF-8", NULL, "utf8 unicode-1-1-utf-8"},
	{"ISO-8859-1", "WINDOWS-1252", "latin1 l1 cp819 ibm819"},
	{"ISO-8859-2", "ISO-8859-2", "latin2 l2"},
	{"ISO-8859-3", "ISO-8859-3", "latin3 l3"},
	{"ISO-8859-4", "ISO-8859-4", "latin4 l4"},
	{"ISO-8859-5", "ISO-8859-5", "cyrillic"},
	{"ISO-8859-6", "ISO-8859-6", "arabic iso-8859-6-i iso-8859-6-e"},
	{"ISO-8859-7", "ISO-8859-7", "greek greek8"},
	{"ISO-8859-8", "ISO-8859-8", "hebrew iso-8859-8-i iso-8859-8-e"},
	{"ISO-8859-9", "ISO-8859-9", "latin5 l5"},
	{"ISO-8859-10", "ISO-8859-10", "latin6 l6"},
	{"ISO-8859-13", "ISO-8859-13", "latin7 l7"},
	{"ISO-8859-14", "ISO-8859-14", "latin8 l8"},
	{"ISO-8859-15", "ISO-8859-15", "latin9"},
	{"ISO-8859-16", "ISO-8859-16", "latin10"},
	{"windows-1250", "WINDOWS-1250", "cp1250"},
	{"windows-1251", "WINDOWS-1251", "cp1251"},
	{"windows-1252", "WINDOWS-1252", "cp1252"},
	{"windows-1253", "WINDOWS-1253", "cp1253"},
	{"windows-1254", "WINDOWS-1254", "cp1254"},
	{"windows-1255", "WINDOWS-1255", "cp1255"},
	{"windows-1256", "WINDOWS-1256", "cp1256"},
	{"windows-1257", "WINDOWS-1257", "cp1257"},
	{"windows-1258", "WINDOWS-1258", "cp1258"},
	{"KOI8-R", "KOI8-R", "koi8"},
	{"KOI8-U", "KOI8-U", "koi8-ru"},
	{"GB18030", "GB18030", ""},
	{"GBK", "GB18030", "cp936 ms936 windows-936"},
	{"GB2312", "GB18030", "gb-2312-80 csgb2312 euc-cn"},
	{"Big5", "BIG5-HKSCS BIG5", "big5-hkscs cn-big5 cp950 big5-eten"},
	{"Shift_JIS", "CP932 SHIFT_JIS", "sjis ms-kanji cp932 windows-31j ms932"},
	{"EUC-JP", "EUC-JP", "eucjp-ms"},
	{"ISO-2022-JP", "ISO-2022-JP", ""},
	{"EUC-KR", "CP949 EUC-KR", "ks-c-5601-1987 ks-c-5601 ksc5601 cp949 uhc windows-949"},
	{"ISO-2022-KR", "ISO-2022-KR", ""},
	{"TIS-620", "TIS-620", "windows-874 cp874 iso-8859-11"},
	{"IBM437", "CP437", "cp437"},
	{"IBM850", "CP850", "cp850"},
	{"IBM866", "CP866", "cp866"},
	{"macintosh", "MACINTOSH", "mac macroman"},
	{"UTF-7", "UTF-7", "unicode-1-1-utf-7"},
	{"UTF-16", "UTF-16", ""},
	{"UTF-16LE", "UTF-16LE", ""},
	{"UTF-16BE", "UTF-16BE", ""},
	{"UTF-32", "UTF-32", ""},
};

#define CHARSETS (sizeof charsets / sizeof *charsets)

/* A word of `library` for each, once charset_open() found it; kept open for glibc's modules. */
static struct {
	char    name[16];
	iconv_t kept;
	bool    known;
} opened[CHARSETS];

static void
open_one(size_t index)
{
	struct slice names = slice_of(charsets[index].library), name;
	while (!opened[index].known && slice_split(&names, ' ', &name)) {
		memcpy(opened[index].name, name.data, name.len);
		opened[index].name[name.len] = '\0';
		opened[index].kept = iconv_open("UTF-8", opened[index].name);
		opened[index].known = opened[index].kept != NOT_OPEN;
	}
}

void
charset_open(void)
{
	for (size_t i = 0; i < CHARSETS; i++)
		if (charsets[i].library != NULL && !opened[i].known)
			open_one(i);
}

static bool
is_known(size_t index)
{
	return charsets[index].library == NULL || opened[index].known;
}

/* The next letter or digit, in lower case, or -1. */
static int
next_letter(struct slice *s)
{
	while (s->len > 0) {
		int c = (unsigned char)s->data[0];
		*s = slice_from(*s, 1);
		if (ascii_is_alnum(c))
			return ascii_lower(c);
	}
	return -1;
}

static bool
same_name(struct slice a, struct slice b)
{
	int x, y;
	do {
		x = next_letter(&a);
		y = next_letter(&b);
	} while (x == y && x >= 0);
	return x == y;
}

static bool
is_called(const struct charset *c, struct slice name)
{
	struct slice others = slice_of(c->others), other;
	bool same = same_name(slice_of(c->name), name);
	while (!same && slice_split(&others, ' ', &other))
		same = same_name(other, name);
	return same;
}

const struct charset *
charset_find(struct slice name)
{
	if (slice_starts_nocase(name, "x-"))
		name = slice_from(name, 2);
	for (size_t i = 0; i < CHARSETS; i++)
		if (is_called(&charsets[i], name))
			return is_known(i) ? &charsets[i] : NULL;
	return NULL;
}

const struct charset *
charset_default(void)
{
	return &charsets[0];
}

const char *
charset_name(size_t index)
{
	for (size_t i = 0; i < CHARSETS; i++)
		if (is_known(i) && index-- == 0)
			return charsets[i].name;
	return NULL;
}

const char *
charset_library(const struct charset *charset)
{
	return charset->library == NULL ? NULL : opened[charset - charsets].name;
}
