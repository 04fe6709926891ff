#include "imapd/uidset.h"

/* How many pairs from here on rise by one on both sides. */
static size_t
run_length(const struct uid_pair *pairs, size_t count)
{
	size_t n = 1;
	while (n < count && pairs[n].from == pairs[n - 1].from + 1 && pairs[n].to == pairs[n - 1].to + 1)
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
		size_t n = run_length(pairs, count);
		append_range(into, old ? pairs->from : pairs->to, n, n < count);
		pairs += n;
		count -= n;
	}
}

bool
uidset_copyuid(struct str *into, uint32_t validity, const struct uid_pair *pairs, size_t count)
{
	str_append_text(into, "COPYUID ");
	str_append_number(into, validity);
	str_append_text(into, " ");
	append_set(into, pairs, count, true);
	str_append_text(into, " ");
	append_set(into, pairs, count, false);
	return !into->failed;
}
