/*
 * The administrator's query files of both forms, for each map: parsed, then each template is filled with a part of the input as the
 * key; and the text as a row that a quota is in.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/query_file.h"
#include "authd/query_quota.h"
#include "lib/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fill(const struct query_file *q, struct slice text)
{
	struct str out = STR_MOST(EXPANSION_MOST);
	struct query_key key = {text, slice_first(text, 7), slice_from(text, text.len / 2)};
	for (size_t i = 0; i < q->query.count; i++) {
		/* In Dovecot's form nothing that is lacking ends a lookup. */
		bool ok = expansion_apply(&q->query.parameters[i], &key, slice_of(""), &out);
		assert(ok || q->dialect == QUERY_POSTFIX || out.failed);
		str_clear(&out);
	}
	expansion_apply(&q->result, &key, text, &out);
	str_free(&out);
	(void)query_file_wants(q, text);
}

static void
parse(enum map map, struct slice text)
{
	struct query_file q;
	struct str problem = STR_MOST(1024);
	if (query_file_parse(&q, map, "fuzz.cf", text, &problem)) {
		assert(q.query.sql.len > 0 && q.query.count <= PARAMETERS_MOST && q.access.host_count > 0);
		assert(q.dialect == QUERY_POSTFIX || map == MAP_PASSWORD || map == MAP_MAILBOX || map == MAP_QUOTA);
		fill(&q, slice_from(text, text.len - text.len / 4));
		fill(&q, slice_of("user@mail.example.org"));
		assert(query_access_equal(&q.access, &q.access));
	} else {
		assert(problem.len > 0);
	}
	query_file_free(&q);
	str_free(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERROR + 1);
	struct slice text = slice_make((const char *)data, size);
	struct str quota = STR_MOST(EXPANSION_MOST);
	parse(MAP_ALIAS, text);
	parse(MAP_PASSWORD, text);
	parse(MAP_QUOTA, text);
	query_quota_of_row(text, &quota);
	str_free(&quota);
	return 0;
}
