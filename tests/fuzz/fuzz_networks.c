/* Lists of networks: a mistake is named, and both forms agree on what the strict one takes. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice list, const struct ip *ip)
{
	struct slice entry = slice_of("");
	enum networks_answer strict = networks_hold(list, ip, &entry);
	if (strict == NETWORKS_WRONG)
		assert(entry.len > 0 && entry.data >= list.data && entry.data + entry.len <= list.data + list.len);
	enum networks_answer lenient = networks_allow(list, ip, &entry);
	if (strict != NETWORKS_WRONG)
		assert(lenient == strict);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice list = slice_make((const char *)data, size);
	struct ip four = ip_of("\x7f\x00\x00\x01", 4), none = {.len = 0}, six;
	assert(ip_parse(&six, slice_of("2001:db8::1")));
	check(list, &four);
	check(list, &six);
	check(list, &none);
	ip_parse(&six, list);
	return 0;
}
