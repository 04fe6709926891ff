/* Text files that are maps, and what a transport's text means: each key is found again, no value holds a control character. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/text_map.h"
#include "lib/base/ascii.h"
#include "lib/mail/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_transport(struct slice text)
{
	struct str printed = STR_MOST(8192);
	enum transport_kind kind = transport_kind(text);
	struct outcome o = transport_outcome(text);
	assert(o.code[0] == '2' || o.code[0] == '4' || o.code[0] == '5');
	/* What goes to postern-remote means the same there. */
	if (kind == TRANSPORT_REMOTE && transport_print(&printed, text))
		assert(transport_kind(str_slice(&printed)) == TRANSPORT_REMOTE);
	str_free(&printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_map m = {.file = {.path = "fuzz", .ready = true}};
	struct str problem = STR_MOST(512);
	if (text_map_parse(&m.table, slice_make((const char *)data, size), &problem)) {
		for (size_t i = 0; i < m.table.count; i++) {
			const struct text_map_line *l = &m.table.lines[i];
			struct slice value;
			assert(text_map_find(&m, slice_make(m.table.text.data + l->key, l->key_len), &value) == FACT_FOUND);
			assert(value.data == m.table.text.data + l->value && value.len > 0 && !ascii_has_control(value));
			check_transport(value);
		}
	} else {
		assert(problem.len > 0);
	}
	text_map_free(&m.table);
	str_free(&problem);
	check_transport(slice_make((const char *)data, size));
	return 0;
}
