#include "lib/base/clock.h"
#include "lib/filter/changes.h"
#include "lib/filter/milter_parts.h"

#define PROGRESS_MOST 12 /* times the patience, however often the filter says that it is at work, or changes something */

static enum milter_word
refused(struct milter *m, enum milter_word word, unsigned code, const char *status, const char *text)
{
	filter_answer_set(&m->answer, code, status, slice_of(text));
	return word;
}

static enum milter_word
reply_code(struct milter *m, struct slice data)
{
	size_t nul = slice_find(data, '\0');
	if (nul != data.len - 1 || !filter_answer_parse(&m->answer, slice_first(data, nul)))
		return milter_broken(m, "its reply code is none");
	return m->answer.code == 421 ? MILTER_CLOSE : MILTER_REFUSED;
}

/* The verdict of a packet that is no change and no sign of life. */
static enum milter_word
verdict(struct milter *m, char command, struct slice data)
{
	if (command == 'y')
		return data.len > 0 ? reply_code(m, data) : milter_broken(m, "its reply code is none");
	if (data.len > 0)
		return milter_broken(m, "its verdict has data");
	switch (command) {
	case 'c':
		return MILTER_CONTINUE;
	case 'a':
		return MILTER_ACCEPTED;
	case 'd':
		return MILTER_DISCARD;
	case 's':
		return m->protocol & MAY_SKIP ? MILTER_SKIP : milter_broken(m, "it skips what was not agreed on");
	case 'r':
		return refused(m, MILTER_REFUSED, 550, "5.7.1", "Command rejected");
	case 't':
		return refused(m, MILTER_REFUSED, 451, "4.7.1", "Service unavailable - try again later");
	case '4':
		return refused(m, MILTER_CLOSE, 421, "4.7.0", "Server closing connection");
	case 'f':
		return milter_broken(m, "it gives the connection up");
	}
	return milter_broken(m, "its answer is not of the protocol");
}

/* It is alive: there is patience again, within bounds. */
static void
lives(struct milter *m, int64_t begun, int patience, int64_t *deadline)
{
	*deadline = clock_ms() + patience;
	if (*deadline > begun + (int64_t)patience * PROGRESS_MOST)
		milter_broken(m, "it is at work without an end");
}

enum milter_word
milter_await(struct milter *m, int patience, milter_change *change, void *context)
{
	int64_t begun = clock_ms(), deadline = begun + patience;
	if (m->trouble == NULL && !output_flush(&m->out))
		return milter_broken(m, "the connection broke");
	while (m->trouble == NULL) {
		char command;
		struct slice data;
		if (!milter_receive(m, deadline, &command, &data))
			break;
		if (command == 'p') {
			lives(m, begun, patience, &deadline);
			continue;
		}
		uint32_t needs = change != NULL ? change_needs(command) : 0;
		if (needs == 0)
			return verdict(m, command, data);
		if (!(needs & m->may))
			return milter_broken(m, "it changes what was not agreed on");
		if (!change(context, command, data))
			return milter_broken(m, "its change is not right");
		lives(m, begun, patience, &deadline);
	}
	return MILTER_BROKEN;
}
