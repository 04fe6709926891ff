#include "queue/sendmail_spool.h"

#include <errno.h>
#include <string.h>

#include "lib/mail/address.h"

#define PIECE 65536

bool
spool_add(struct spool *s, struct slice bytes)
{
	s->size += bytes.len;
	s->eight_bit = s->eight_bit || !address_is_ascii(bytes);
	if (s->rest == NULL && bytes.len <= SPOOL_MEMORY - s->memory.len) {
		errno = ENOMEM;
		return str_append_slice(&s->memory, bytes);
	}
	if (s->rest == NULL)
		s->rest = tmpfile();
	return s->rest != NULL && fwrite(bytes.data, 1, bytes.len, s->rest) == bytes.len;
}

static bool
submit_rest(struct spool *s, struct submission *to)
{
	static char piece[PIECE];
	size_t len;
	if (fflush(s->rest) != 0 || fseek(s->rest, 0, SEEK_SET) != 0)
		return false;
	while ((len = fread(piece, 1, sizeof piece, s->rest)) > 0)
		submit_data(to, slice_make(piece, len));
	return !ferror(s->rest);
}

bool
spool_header(const struct spool *s, struct slice *header)
{
	size_t length, body;
	bool ok = header_measure(str_slice(&s->memory), &length, &body);
	*header = slice_first(str_slice(&s->memory), length);
	return ok;
}

struct outcome
spool_submit(struct spool *s, const struct writer *w, struct submission *to)
{
	struct str written = STR_MOST(SPOOL_MEMORY + 65536);
	size_t length, body;
	header_measure(str_slice(&s->memory), &length, &body);
	if (!header_write(&written, slice_first(str_slice(&s->memory), length), w)) {
		str_free(&written);
		return outcome_make("4.3.0", "no memory for the header");
	}
	submit_data(to, str_slice(&written));
	str_free(&written);
	submit_data(to, slice_from(str_slice(&s->memory), body));
	if (s->rest != NULL && !submit_rest(s, to))
		return outcome_make("4.3.0", "the temporary file cannot be read: %s", strerror(errno));
	return submit_commit(to);
}

void
spool_end(struct spool *s)
{
	str_free(&s->memory);
	if (s->rest != NULL)
		fclose(s->rest);
	s->rest = NULL;
}
