/* THREAD: RFC 5256 section 3; REFS: draft-ietf-morg-inthread. */
#include <errno.h>
#include <stdlib.h>

#include "imapd/thread.h"

enum algorithm { ORDEREDSUBJECT, REFERENCES, REFS };

static bool
parse_algorithm(struct parser *p, enum algorithm *algorithm)
{
	static const char *const words[] = {"ORDEREDSUBJECT", "REFERENCES", "REFS"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parse_word(p, words[i])) {
			*algorithm = (enum algorithm)i;
			return true;
		}
	return parse_fail(p, "the threading algorithm is not known");
}

static struct answer
thread(struct session *s, enum algorithm algorithm, const struct matches *found)
{
	struct threads t;
	size_t count = 0;
	if (thread_open(&t, s, found->count)) {
		if (algorithm == ORDEREDSUBJECT)
			thread_link_subjects(&t, found);
		else
			thread_link_references(&t, found);
		if (algorithm == REFERENCES)
			thread_merge_subjects(&t);
		uint32_t *roots = thread_sort(&t, algorithm == REFS, &count);
		if (!t.failed)
			thread_write(&t, roots, count);
		free(roots);
	}
	thread_close(&t);
	if (t.failed) {
		errno = ENOMEM;
		return answer_errno("thread");
	}
	bool all = !found->failed && !t.missing;
	return all ? answer_ok("done") : answer_no("UNAVAILABLE", "some messages could not be read");
}

struct answer
cmd_thread(struct session *s, struct parser *p)
{
	const struct charset *charset = charset_default();
	enum algorithm algorithm = REFERENCES;
	struct search_key *program;
	struct matches found;
	struct answer answer;
	bool modseq;
	if (!parse_space(p) || !parse_algorithm(p, &algorithm) || !parse_space(p))
		return answer_bad(p->error);
	if (!parse_charset(p, &charset))
		return charset == NULL ? match_bad_charset(s) : answer_bad(p->error);
	if (!parse_space(p) || !parse_search(p, charset, &program, &modseq))
		return answer_bad(p->error);
	if (!match_all(s, program, &found, &answer))
		return answer;
	return thread(s, algorithm, &found);
}
