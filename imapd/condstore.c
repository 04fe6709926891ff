#include "imapd/condstore.h"

#include <stdio.h>

void
condstore_begin(struct session *s)
{
	if (s->dialect.condstore)
		return;
	s->dialect.condstore = true;
	if (s->view.open)
		condstore_tell_highest(s);
}

bool
condstore_possible(const struct session *s)
{
	return s->view.folder.highest_modseq != 0;
}

struct answer
condstore_impossible(void)
{
	return answer_bad("the folder has no mod-sequences now");
}

bool
condstore_is_newer(const struct message *m, uint64_t modseq)
{
	return m->modseq == 0 || m->modseq > modseq;
}

/* A change that the index could not note gets a number of its own when it can: until then it is the lowest there is. */
void
condstore_write(struct output *out, const struct message *m)
{
	output_format(out, "MODSEQ (%llu)", m->modseq != 0 ? (unsigned long long)m->modseq : 1ULL);
}

void
condstore_tell_highest(struct session *s)
{
	if (s->view.told == 0)
		output_text(&s->out, "* OK [NOMODSEQ] no mod-sequences in this folder now\r\n");
	else
		output_format(&s->out, "* OK [HIGHESTMODSEQ %llu] highest\r\n", (unsigned long long)s->view.told);
}

const char *
condstore_code(struct session *s)
{
	char code[64];
	if (!s->dialect.qresync || !s->view.open || s->view.told == 0)
		return NULL;
	snprintf(code, sizeof code, "HIGHESTMODSEQ %llu", (unsigned long long)s->view.told);
	return scratch_copy(&s->scratch, slice_of(code));
}
