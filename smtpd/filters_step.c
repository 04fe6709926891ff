#include "smtpd/filters_state.h"

/* What a milter's word means. False: the others are not asked. */
static bool
settle(struct session *s, struct filter_milter *f, enum milter_word word, enum filters_stage stage)
{
	switch (word) {
	case MILTER_CONTINUE:
	case MILTER_SKIP:
		return true;
	case MILTER_ACCEPTED:
		f->state = stage == STAGE_CLIENT ? STATE_OFF : STATE_PAST;
		return true;
	case MILTER_DISCARD:
		filters_discard(s, f->name, "a filter says so");
		s->filters->discards_client |= stage == STAGE_CLIENT;
		return false;
	case MILTER_REFUSED:
	case MILTER_CLOSE:
		filters_refuse(s->filters, f->name, &f->wire.answer, word == MILTER_CLOSE);
		return false;
	case MILTER_BROKEN:
		break;
	}
	return filters_milter_failed(s, f) || stage == STAGE_CLIENT;
}

bool
filters_each_milter(struct session *s, filters_step *tell, struct slice about, struct slice parameters, enum filters_stage stage)
{
	struct filters *fs = s->filters;
	for (size_t i = 0; i < fs->milter_count && !fs->discard; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->state == STATE_FAILED && stage == STAGE_MESSAGE) {
			filters_refuse_failed(fs, f->name, f->otherwise);
			return false;
		}
		if (f->state != STATE_ASKED)
			continue;
		enum milter_word word = tell(s, f, about, parameters);
		if (!settle(s, f, word, stage))
			return word == MILTER_DISCARD;
	}
	return true;
}
