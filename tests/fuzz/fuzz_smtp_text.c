/*
 * The stations of a message's text (line ends, what a user's program left out):
 * any bytes, cut anywhere, give the same as in one piece; nothing is lost, and what is
 * made right holds CRLF pairs only.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/line_ends.h"
#include "smtpd/completion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
end_lines(struct line_ends *l, struct slice left, struct str *text)
{
	for (struct slice run; (run = line_ends_run(l, &left)).len > 0;)
		if (!str_append_slice(text, run))
			abort();
}

static void
complete(struct completion *c, struct slice left, struct str *text)
{
	for (struct slice run; (run = completion_run(c, &left)).len > 0;)
		if (!str_append_slice(text, run))
			abort();
}

static void
finish(struct completion *c, struct str *text)
{
	for (struct slice run; (run = completion_finish(c)).len > 0;)
		if (!str_append_slice(text, run))
			abort();
}

static bool
is_right(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
			return false;
		if (text.data[i] == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n'))
			return false;
	}
	return true;
}

static void
check_line_ends(struct slice input, size_t cut, bool normalize)
{
	struct line_ends whole = {.normalize = normalize}, parts = {.normalize = normalize};
	struct str one = STR_MOST(1 << 20), two = STR_MOST(1 << 20);
	end_lines(&whole, input, &one);
	end_lines(&parts, slice_first(input, cut), &two);
	end_lines(&parts, slice_from(input, cut), &two);
	if (!normalize && !slice_equal(input, str_slice(&one)))
		abort();
	str_append_slice(&one, line_ends_finish(&whole));
	str_append_slice(&two, line_ends_finish(&parts));
	if (!slice_equal(str_slice(&one), str_slice(&two)) || whole.bare != parts.bare || whole.bare == is_right(input))
		abort();
	if (normalize && (!is_right(str_slice(&one)) || (one.len > 0 && !slice_ends(str_slice(&one), "\r\n"))))
		abort();
	str_free(&one);
	str_free(&two);
}

/* What stands in `text` and not in `input` is one piece: the fields that were put in. */
static void
check_added(struct slice input, struct slice text)
{
	size_t same = 0, behind = 0;
	if (text.len < input.len)
		abort();
	while (same < input.len && input.data[same] == text.data[same])
		same++;
	while (behind < input.len - same && input.data[input.len - 1 - behind] == text.data[text.len - 1 - behind])
		behind++;
	if (same + behind != input.len)
		abort();
}

static void
check_completion(struct slice input, size_t cut)
{
	struct completion whole, parts;
	struct str one = STR_MOST(1 << 20), two = STR_MOST(1 << 20);
	completion_begin(&whole, "2bhyrn7cvkq3a", "mx.example.org", 1795226400);
	completion_begin(&parts, "2bhyrn7cvkq3a", "mx.example.org", 1795226400);
	complete(&whole, input, &one);
	complete(&parts, slice_first(input, cut), &two);
	complete(&parts, slice_from(input, cut), &two);
	finish(&whole, &one);
	finish(&parts, &two);
	if (!slice_equal(str_slice(&one), str_slice(&two)))
		abort();
	check_added(input, str_slice(&one));
	str_free(&one);
	str_free(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct slice input = slice_make((const char *)data + 1, size - 1);
	size_t cut = input.len > 0 ? data[0] % (input.len + 1) : 0;
	check_line_ends(input, cut, false);
	check_line_ends(input, cut, true);
	check_completion(input, cut);
	return 0;
}
