#include "lib/base/outcome.h"

#include <stdarg.h>
#include <stdio.h>

struct outcome
outcome_make(const char *code, const char *format, ...)
{
	struct outcome o = {.class = OUTCOME_PERMANENT};
	if (code[0] == '2')
		o.class = OUTCOME_DONE;
	else if (code[0] == '4')
		o.class = OUTCOME_TEMPORARY;
	snprintf(o.code, sizeof o.code, "%s", code);
	va_list args;
	va_start(args, format);
	vsnprintf(o.text, sizeof o.text, format, args);
	va_end(args);
	for (char *p = o.text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return o;
}

struct outcome
outcome_done(void)
{
	return outcome_make("2.0.0", "OK");
}

bool
outcome_is_done(const struct outcome *o)
{
	return o->class == OUTCOME_DONE;
}

const char *
outcome_word(const struct outcome *o)
{
	static const char *const words[] = {"done", "deferred", "failed"};
	if (o->class == OUTCOME_DONE && o->relayed)
		return "relayed";
	return words[o->class];
}
