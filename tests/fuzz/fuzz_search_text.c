/*
 * What a search reads of a message, from hostile bytes: encoded words, charsets
 * and transfer encodings in pieces, base subjects, folds. Pieces give what the
 * whole gives; a text is found in itself; a base subject is a part of the subject and is its own base.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/decoder.h"
#include "lib/mail/subject.h"
#include "lib/mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
same(struct str *a, struct str *b)
{
	check(!a->failed && !b->failed && slice_equal(str_slice(a), str_slice(b)));
	str_free(a);
	str_free(b);
}

static void
try_decoder(struct slice text, const char *encoding, size_t step)
{
	struct str whole = STR_MOST(100000), pieces = STR_MOST(100000);
	struct decoder d;
	decoder_begin(&d, slice_of(encoding));
	decoder_feed(&d, text, &whole);
	decoder_begin(&d, slice_of(encoding));
	for (struct slice rest = text; rest.len > 0; rest = slice_from(rest, step))
		decoder_feed(&d, slice_first(rest, step), &pieces);
	same(&whole, &pieces);
}

static void
try_charset(struct slice text, const char *name, size_t step)
{
	const struct charset *charset = charset_find(slice_of(name));
	struct str into = STR_MOST(200000);
	struct charset_reader r;
	if (charset == NULL)
		return;
	charset_begin(&r, charset);
	for (struct slice rest = text; rest.len > 0; rest = slice_from(rest, step))
		charset_feed(&r, slice_first(rest, step), &into);
	charset_end(&r, &into);
	check(!into.failed);
	str_free(&into);
}

static void
try_subject(struct slice value)
{
	struct str text = STR_MOST(100000);
	bool reply, again;
	check(subject_text(&text, value));
	struct slice base = subject_base(str_slice(&text), &reply);
	check(base.len <= text.len);
	check(slice_equal(subject_base(base, &again), base) && !again);
	str_free(&text);
}

static void
try_fold(struct slice text)
{
	struct str once = STR_MOST(text.len * CASEMAP_GROWTH), twice = STR_MOST(text.len * CASEMAP_GROWTH);
	check(casemap_append(&once, text) && casemap_whole(text) <= text.len);
	struct slice fold = str_slice(&once);
	check(casemap_append(&twice, fold));
	check(!casemap_is_ascii(text) || once.len == text.len);
	str_free(&once);
	str_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const charsets[] = {"gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-kr", "utf-16", "koi8-r", "utf-7"};
	if (size < 2 || size > 4096)
		return 0;
	size_t step = 1 + data[0] % 40;
	struct slice text = slice_make((const char *)data + 1, size - 1);
	struct str words = STR_MOST(100000);
	charset_open();
	words_decode(&words, text);
	str_free(&words);
	try_decoder(text, "base64", step);
	try_decoder(text, "quoted-printable", step);
	try_charset(text, charsets[data[0] % 8], step);
	try_subject(text);
	try_fold(text);
	return 0;
}
