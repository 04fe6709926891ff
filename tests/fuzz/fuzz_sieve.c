/* A script and a message of anybody's: compiled and run within their budgets; what comes out is within the limits that deliver relies on. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/address.h"
#include "sieve/check.h"
#include "sieve/run.h"
#include "sieve/vacation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
exists(void *context, struct slice folder)
{
	(void)context;
	return folder.len % 2 == 0;
}

static void
check_text(const struct sieve_action *a)
{
	assert(memchr(a->text.data != NULL ? a->text.data : "", '\0', a->text.len) == NULL);
	if (a->kind == SIEVE_REDIRECT) {
		struct address parsed;
		assert(address_parse(a->text, ADDRESS_UTF8, &parsed) == ADDRESS_OK);
	}
	if (a->kind == SIEVE_VACATION) {
		assert(a->text.len <= VACATION_ANSWER_MOST && a->days >= 1 && a->days <= VACATION_DAYS_MOST && a->mark != 0);
		assert(slice_starts(a->text, "From:"));
		for (size_t i = 0; i < a->text.len; i++)
			assert(a->text.data[i] != '\n' || (i > 0 && a->text.data[i - 1] == '\r'));
	}
}

/* The script, a NUL, the header of the message. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make((const char *)data, size);
	struct slice text = slice_first(input, slice_find(input, '\0')), header = slice_from(input, text.len + 1);
	struct sieve_memory memory = {.chunks = NULL};
	struct sieve_problem problem = {.line = 0};
	struct sieve_message m = {.sender = slice_of("a@b.test"), .recipient = slice_of("me+x@c.test"), .address = slice_of("me@c.test"),
	    .delimiters = "+-", .size = size};
	static struct sieve_run r;
	struct sieve_script script;
	r = (struct sieve_run){.message = &m, .memory = &memory, .problem = &problem, .budget = 100000, .redirects_most = 3, .exists = exists};
	bool ok = sieve_message_read(&m, header, &memory) && sieve_compile(&script, text, &memory, &problem) && sieve_run(&r, &script);
	assert(ok || problem.text[0] != '\0' || memory.failed);
	assert(r.count <= SIEVE_ACTIONS_MOST && problem.line <= size + 1);
	for (size_t i = 0; ok && i < r.count; i++)
		check_text(&r.actions[i]);
	assert(memory.used <= SIEVE_MEMORY_MOST);
	sieve_memory_free(&memory);
	return 0;
}
