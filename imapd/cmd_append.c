/* APPEND: RFC 3501 section 6.3.11, with RFC 3502 (several messages), 4469 (CATENATE), 3516 and 6855 (literal8). */
#include "imapd/append.h"

struct answer
cmd_append(struct session *s, struct parser *p)
{
	struct append a = {.session = s};
	const char *code;
	if (!append_parse_folder(p, &a.name))
		return answer_bad(p->error);
	struct answer answer = append_run(&a, p, &code) ? answer_ok_code(code, "appended") : a.answer;
	append_end(&a);
	return answer;
}
