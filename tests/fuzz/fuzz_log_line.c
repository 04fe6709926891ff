/* Lines of logs, anybody's: their parts lie within them, and whatever belongs to the story is told. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "trace/follow.h"
#include "trace/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
is_within(struct slice part, struct slice line)
{
	assert(part.len == 0 || (part.data >= line.data && part.data + part.len <= line.data + line.len));
}

static void
read_line(struct follow *f, struct story *s, struct slice line)
{
	struct stamp_habits habits = {.now = 1795646000, .tai_seconds = stamp_tai_seconds(line, 1795646000)};
	struct entry e;
	if (!entry_parse(line, &habits, &e))
		return;
	is_within(e.program, line);
	is_within(e.level, line);
	is_within(e.event, line);
	is_within(e.fields, line);
	struct slice rest = e.fields, key, value;
	while (entry_next(&rest, &key, &value)) {
		is_within(key, line);
		is_within(value, line);
	}
	if (follow_entry(f, &e))
		story_add(s, line, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct follow f; /* what was named before stays named, and the room stays for the next */
	static struct story s;
	if (f.messages.count == 0 && freopen("/dev/null", "w", stdout) != NULL)
		follow_begin(&f, "abcdefgh23456");
	struct slice text = slice_make((const char *)data, size), line;
	while (slice_split(&text, '\n', &line))
		read_line(&f, &s, line);
	story_sort(&s);
	story_print(&s);
	story_print_json(&s);
	story_forget(&s);
	return 0;
}
