/* The classic aliases file: each name is found again, and its targets are addresses. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/local_aliases.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where no quoted local part holds a comma, each piece is a whole address. */
static void
check_targets(struct slice targets)
{
	struct address address;
	if (slice_has(targets, '"'))
		return;
	for (struct slice one; slice_split(&targets, ',', &one);) {
		enum address_result result = address_parse(one, ADDRESS_NO_DOMAIN | ADDRESS_UTF8, &address);
		assert(result == ADDRESS_OK || result == ADDRESS_LOCAL_LONG);
		assert(slice_equal(one, address_text(&address)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERROR + 1);
	struct local_aliases a = {.file = {.path = "fuzz", .ready = true}};
	struct str problem = STR_MOST(512);
	if (local_aliases_parse(&a.table, a.file.path, slice_make((const char *)data, size), &problem)) {
		for (size_t i = 0; i < a.table.count; i++) {
			const struct local_alias *one = &a.table.aliases[i];
			struct slice targets;
			enum fact_state state = local_aliases_find(&a, slice_make(a.table.text.data + one->name, one->name_len), &targets);
			assert(state == (one->targets_len > 0 ? FACT_FOUND : FACT_LATER));
			assert(targets.data == a.table.text.data + one->targets || targets.len == 0);
			check_targets(targets);
		}
	} else {
		assert(problem.len > 0);
	}
	local_aliases_free(&a.table);
	str_free(&problem);
	return 0;
}
