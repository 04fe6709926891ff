#include "sieve/message.h"

#include "lib/base/str.h"
#include "lib/mail/budget.h"
#include "lib/mail/header.h"
#include "lib/mail/words.h"

static size_t
count_fields(struct slice header)
{
	struct header_reader r;
	struct header_field f;
	size_t count = 0;
	header_begin(&r, header);
	while (header_next(&r, &f))
		count++;
	return count;
}

bool
sieve_message_read(struct sieve_message *m, struct slice header, struct sieve_memory *memory)
{
	struct header_reader r;
	struct header_field f;
	size_t most = count_fields(header);
	m->count = 0;
	m->fields = sieve_take(memory, (most + 1) * sizeof *m->fields);
	if (m->fields == NULL)
		return false;
	header_begin(&r, header);
	while (m->count < most && header_next(&r, &f))
		if (f.name.len > 0)
			m->fields[m->count++] = (struct sieve_field){.name = f.name, .raw = f.value};
	return true;
}

size_t
sieve_message_find(const struct sieve_message *m, struct slice name, size_t from)
{
	while (from < m->count && !slice_equal_nocase(m->fields[from].name, name))
		from++;
	return from;
}

bool
sieve_message_text(struct sieve_field *f, struct sieve_memory *memory, struct slice *text)
{
	/* Three bytes of UTF-8 for one in another charset, of three that four letters stand for. */
	struct str decoded = STR_MOST(3 * BUDGET_HEADER_BYTES);
	if (f->text.data == NULL && words_decode(&decoded, f->raw))
		f->text = sieve_keep(memory, str_slice(&decoded));
	str_free(&decoded);
	*text = f->text;
	return f->text.data != NULL;
}
