#include "imapd/uidset.h"

static uint32_t
side(const struct uid_pair *pair, bool old)
{
	return old ? pair->from : pair->to;
}

/* How many UIDs of one side from here on rise by one. */
static size_t
run_length(const struct uid_pair *pairs, size_t count, bool old)
{
	size_t n = 1;
	while (n < count && side(&pairs[n], old) == side(&pairs[n - 1], old) + 1)
		n++;
	return n;
}

static void
append_range(struct str *into, uint32_t first, size_t count, bool more)
{
	str_append_number(into, first);
	if (count > 1) {
		str_append_text(into, ":");
		str_append_number(into, first + count - 1);
	}
	if (more)
		str_append_text(into, ",");
}

static void
append_set(struct str *into, const struct uid_pair *pairs, size_t count, bool old)
{
	while (count > 0) {
		size_t n = run_length(pairs, count, old);
		append_range(into, side(pairs, old), n, n < count);
		pairs += n;
		count -= n;
	}
}

static void
append_code(struct str *into, const char *code, uint32_t validity)
{
	str_append_text(into, code);
	str_append_number(into, validity);
	str_append_text(into, " ");
}

bool
uidset_copyuid(struct str *into, uint32_t validity, const struct uid_pair *pairs, size_t count)
{
	append_code(into, "COPYUID ", validity);
	append_set(into, pairs, count, true);
	str_append_text(into, " ");
	append_set(into, pairs, count, false);
	return !into->failed;
}

bool
uidset_appenduid(struct str *into, uint32_t validity, const struct uid_pair *pairs, size_t count)
{
	append_code(into, "APPENDUID ", validity);
	append_set(into, pairs, count, false);
	return !into->failed;
}
