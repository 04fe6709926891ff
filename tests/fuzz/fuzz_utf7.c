/*
 * Modified UTF-7 of folder names. A name that is accepted has one spelling: what
 * it says, put into UTF-7 again, is the same bytes, and no '/' or '.' comes to
 * light that was not there. What is made of UTF-8 is accepted and says the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/utf8.h"
#include "lib/store/folders.h"
#include "lib/store/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GROWTH 8 /* bytes of UTF-7 for one of UTF-8, and more */

static void
must(bool held)
{
	if (!held)
		abort();
}

static unsigned
sextet(char letter)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	return (unsigned)slice_find(slice_of(letters), letter);
}

static void
put_unit(struct str *into, unsigned unit, unsigned *high)
{
	if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return;
	}
	if (unit >= 0xdc00 && unit < 0xe000)
		unit = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
	must(utf8_append(into, unit));
}

/* What stands between '&' and '-', as UTF-8. */
static void
read_shifted(struct str *into, struct slice text)
{
	uint64_t bits = 0;
	unsigned high = 0;
	size_t have = 0;
	if (text.len == 0)
		str_append_byte(into, '&');
	for (size_t i = 0; i < text.len; i++) {
		bits = (bits << 6 | sextet(text.data[i])) & 0xffffffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		put_unit(into, bits >> have & 0xffff, &high);
	}
}

/* A name that is accepted, as UTF-8. */
static void
read_name(struct str *into, struct slice name)
{
	while (name.len > 0) {
		size_t plain = slice_find(name, '&');
		str_append_slice(into, slice_first(name, plain));
		if (plain == name.len)
			return;
		name = slice_from(name, plain + 1);
		size_t end = slice_find(name, '-');
		read_shifted(into, slice_first(name, end));
		name = slice_from(name, end + 1);
	}
}

static size_t
count(struct slice text, char byte)
{
	size_t found = 0;
	for (size_t i = 0; i < text.len; i++)
		found += text.data[i] == byte;
	return found;
}

static void
try_name(struct slice name)
{
	struct str said = STR_MOST(GROWTH * name.len), again = STR_MOST(GROWTH * name.len);
	must(!folders_name_ok(name) || utf7_ok(name));
	if (utf7_ok(name)) {
		read_name(&said, name);
		must(!said.failed && utf7_from_utf8(&again, str_slice(&said)));
		must(slice_equal(str_slice(&again), name));
		must(count(str_slice(&said), '/') == count(name, '/') && count(str_slice(&said), '.') == count(name, '.'));
		must(count(str_slice(&said), '\0') == 0);
	}
	str_free(&said);
	str_free(&again);
}

static void
try_text(struct slice text)
{
	struct str name = STR_MOST(GROWTH * text.len), said = STR_MOST(GROWTH * text.len);
	if (utf7_from_utf8(&name, text)) {
		must(utf7_ok(str_slice(&name)));
		read_name(&said, str_slice(&name));
		must(slice_equal(str_slice(&said), text));
	}
	str_free(&name);
	str_free(&said);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	try_name(text);
	try_text(text);
	return 0;
}
