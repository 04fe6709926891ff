#include <stdio.h>
#include <time.h>

#include "trace/story.h"

/* Values are printable ASCII in our own lines; whoever wrote others into the log gets no control character out of it. */
static void
print_text(struct slice s)
{
	putchar('"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_member(const char *separator, const char *name, struct slice value)
{
	printf("%s\"%s\":", separator, name);
	print_text(value);
}

static void
print_time(int64_t time)
{
	char text[32];
	time_t seconds = (time_t)(time / 1000000000);
	struct tm tm;
	if (time == ENTRY_NO_TIME || gmtime_r(&seconds, &tm) == NULL) {
		printf("{\"time\":null");
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	printf("{\"time\":\"%s.%06dZ\"", text, (int)(time / 1000 % 1000000));
}

/* The values of one key, from the fields that begin with its first. */
static void
print_list(struct slice fields, struct slice key, int left)
{
	struct slice name, value;
	const char *separator = "";
	putchar('[');
	for (; left > 0 && entry_next(&fields, &name, &value); left--) {
		if (!slice_equal(name, key))
			continue;
		fputs(separator, stdout);
		print_text(value);
		separator = ",";
	}
	putchar(']');
}

static bool
was_before(struct slice fields, struct slice key, int count)
{
	struct slice name, value;
	for (; count > 0 && entry_next(&fields, &name, &value); count--)
		if (slice_equal(name, key))
			return true;
	return false;
}

/* Recipients are always a list; of all else one value is expected, and the first counts. */
static void
print_fields(const struct entry *e)
{
	struct slice rest = e->fields, key, value;
	const char *separator = "";
	for (int i = 0; i < ENTRY_FIELDS_MOST && entry_next(&rest, &key, &value); i++) {
		if (was_before(e->fields, key, i))
			continue;
		fputs(separator, stdout);
		print_text(key);
		putchar(':');
		if (slice_is(key, "to"))
			print_list(e->fields, key, ENTRY_FIELDS_MOST);
		else
			print_text(value);
		separator = ",";
	}
}

void
story_print_json(const struct story *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct entry *e = &s->lines[i].entry;
		print_time(e->time);
		print_member(",", "program", e->program);
		print_member(",", "level", e->level);
		print_member(",", "event", e->event);
		printf(",\"fields\":{");
		print_fields(e);
		puts("}}");
	}
}
