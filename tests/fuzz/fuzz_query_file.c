/* The administrator's query files: parsed, then each template is filled with a part of the input as the key. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/query_file.h"
#include "lib/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fill(const struct query_file *q, struct slice key)
{
	struct str out = STR_MOST(EXPANSION_MOST);
	for (size_t i = 0; i < q->query.count; i++) {
		expansion_apply(&q->query.parameters[i], key, slice_of(""), &out);
		str_clear(&out);
	}
	expansion_apply(&q->result, key, key, &out);
	str_free(&out);
	(void)query_file_wants(q, key);
}

/* No placeholder is left in the statement, and as many markers outside quotes as there are values would be for the server to say. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERROR + 1);
	struct slice text = slice_make((const char *)data, size);
	struct query_file q;
	struct str problem = STR_MOST(1024);
	if (query_file_parse(&q, "fuzz.cf", text, &problem)) {
		assert(q.query.sql.len > 0 && q.query.count <= PARAMETERS_MOST && q.access.host_count > 0);
		fill(&q, slice_from(text, size - size / 4));
		fill(&q, slice_of("user@mail.example.org"));
		assert(query_access_equal(&q.access, &q.access));
	} else {
		assert(problem.len > 0);
	}
	query_file_free(&q);
	str_free(&problem);
	return 0;
}
