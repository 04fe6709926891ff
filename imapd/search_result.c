#include "imapd/search_result.h"

#include <stdlib.h>

/* A stretch of what was found. */
struct stretch {
	size_t from, to;
};

static uint32_t
number_of(const struct session *s, uint32_t index)
{
	return s->by_uid ? s->view.folder.messages[index].uid : index + 1;
}

/* In the order of the answer: PARTIAL's part of it. */
static struct stretch
partial_of(const struct search_return *r, size_t count)
{
	struct stretch part;
	partial_of_count(&r->part, count, &part.from, &part.to);
	return part;
}

/* --- numbers ---------------------------------------------------------------------------- */

/* As a set. SORT's order is told number by number: a range would say another. */
static void
write_set(struct session *s, const struct search_return *r, const struct matches *found, struct stretch part)
{
	for (size_t i = part.from; i < part.to;) {
		uint32_t first = number_of(s, found->indexes[i]), last = first;
		size_t next = i + 1;
		while (!r->sorted && next < part.to && number_of(s, found->indexes[next]) == last + 1) {
			last++;
			next++;
		}
		output_format(&s->out, i > part.from ? ",%u" : "%u", first);
		if (last > first)
			output_format(&s->out, ":%u", last);
		i = next;
	}
}

static void
raise_modseq(const struct session *s, const struct matches *found, struct stretch part, uint64_t *most)
{
	for (size_t i = part.from; i < part.to; i++) {
		uint64_t modseq = s->view.folder.messages[found->indexes[i]].modseq;
		*most = modseq > *most ? modseq : *most;
	}
}

/* RFC 7162 section 3.1.10: the highest of those that the answer is about. */
static uint64_t
highest_modseq(const struct session *s, const struct search_return *r, const struct matches *found)
{
	uint64_t most = 0;
	bool ends_only = (r->min || r->max) && !r->all && !r->count && !r->partial;
	if (!ends_only || !r->given)
		raise_modseq(s, found, (struct stretch){0, found->count}, &most);
	else if (found->count > 0 && r->min)
		raise_modseq(s, found, (struct stretch){0, 1}, &most);
	if (ends_only && r->given && found->count > 0 && r->max)
		raise_modseq(s, found, (struct stretch){found->count - 1, found->count}, &most);
	return most;
}

/* --- the answer --------------------------------------------------------------------------- */

static void
write_old(struct session *s, const struct search_return *r, const struct matches *found)
{
	output_text(&s->out, r->sorted ? "* SORT" : "* SEARCH");
	for (size_t i = 0; i < found->count; i++) {
		output_text(&s->out, " ");
		output_number(&s->out, number_of(s, found->indexes[i]));
	}
	if (r->modseq && found->count > 0)
		output_format(&s->out, " (MODSEQ %llu)", (unsigned long long)highest_modseq(s, r, found));
	output_text(&s->out, "\r\n");
}

static void
write_partial(struct session *s, const struct search_return *r, const struct matches *found)
{
	struct stretch part = partial_of(r, found->count);
	const char *sign = r->part.backward ? "-" : "";
	output_format(&s->out, " PARTIAL (%s%u:%s%u ", sign, r->part.first, sign, r->part.last);
	write_set(s, r, found, part);
	output_text(&s->out, part.from < part.to ? ")" : "NIL)");
}

static void
write_extended(struct session *s, const struct search_return *r, const struct matches *found)
{
	struct output *out = &s->out;
	output_text(out, "* ESEARCH (TAG \"");
	output_slice(out, s->tag);
	output_text(out, s->by_uid ? "\") UID" : "\")");
	if (r->min && found->count > 0)
		output_format(out, " MIN %u", number_of(s, found->indexes[0]));
	if (r->max && found->count > 0)
		output_format(out, " MAX %u", number_of(s, found->indexes[found->count - 1]));
	if (r->count)
		output_format(out, " COUNT %zu", found->count);
	if (r->partial)
		write_partial(s, r, found);
	if (r->all && found->count > 0) {
		output_text(out, " ALL ");
		write_set(s, r, found, (struct stretch){0, found->count});
	}
	if (r->modseq && found->count > 0)
		output_format(out, " MODSEQ %llu", (unsigned long long)highest_modseq(s, r, found));
	output_text(out, "\r\n");
}

/* --- SAVE ------------------------------------------------------------------------------------ */

static void
forget(struct session *s)
{
	free(s->view.saved.ranges);
	s->view.saved = (struct sequence_set){.count = 0};
}

static void
add(struct session *s, struct sequence_set *set, const struct matches *found, struct stretch part)
{
	for (size_t i = part.from; i < part.to; i++) {
		uint32_t uid = s->view.folder.messages[found->indexes[i]].uid;
		set->ranges[set->count++] = (struct sequence_range){uid, uid};
	}
}

/* RFC 5182 section 2.1, RFC 9394 section 3.1: MIN, MAX and PARTIAL alone save what they tell, else all is saved. */
static void
fill(struct session *s, const struct search_return *r, const struct matches *found, struct sequence_set *set)
{
	bool all = r->all || (!r->partial && (r->count || (!r->min && !r->max)));
	if (all || found->count == 0) {
		add(s, set, found, (struct stretch){0, found->count});
		return;
	}
	if (r->partial)
		add(s, set, found, partial_of(r, found->count));
	if (r->min)
		add(s, set, found, (struct stretch){0, 1});
	if (r->max)
		add(s, set, found, (struct stretch){found->count - 1, found->count});
}

static bool
save(struct session *s, const struct search_return *r, const struct matches *found)
{
	struct sequence_set set = {.ranges = reallocarray(NULL, found->count + 2, sizeof *set.ranges)};
	forget(s);
	if (set.ranges == NULL)
		return false;
	fill(s, r, found, &set);
	sequence_resolve(&set, 0);
	struct sequence_range *less = reallocarray(set.ranges, set.count + 1, sizeof *set.ranges);
	if (less != NULL)
		set.ranges = less;
	s->view.saved = set;
	return true;
}

void
search_forget(struct session *s, const struct search_return *r, const struct answer *a)
{
	if (r->save && a->status == ANSWER_NO)
		forget(s);
}

struct answer
search_answer(struct session *s, const struct search_return *r, const struct matches *found)
{
	/* RFC 5182 section 2.1. */
	if (r->save && !save(s, r, found))
		return answer_no("NOTSAVED", "there is no memory to save so many");
	/* SAVE alone asks for no answer. */
	if (!r->given)
		write_old(s, r, found);
	else if (r->min || r->max || r->all || r->count || r->partial)
		write_extended(s, r, found);
	return found->failed ? answer_no("UNAVAILABLE", "some messages could not be read") : answer_ok("done");
}
