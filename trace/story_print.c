#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace/memory.h"
#include "trace/print.h"
#include "trace/story.h"
#include "trace/words.h"

static void
print_time(int64_t time)
{
	char text[32] = "(no time)";
	time_t seconds = (time_t)(time / 1000000000);
	struct tm tm;
	if (time == ENTRY_NO_TIME || localtime_r(&seconds, &tm) == NULL) {
		printf("%-23s", text);
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s.%03d", text, (int)(time / 1000000 % 1000));
}

static void
print_padded(struct slice s, int width)
{
	print_clean(s);
	printf("%*s", s.len < (size_t)width ? width - (int)s.len : 1, "");
}

static void
print_line(const struct entry *e)
{
	struct slice id = entry_message(e);
	if (id.len == 0)
		id = entry_field(e, "session");
	print_time(e->time);
	fputs("  ", stdout);
	print_padded(id, 15);
	print_padded(e->program, 8);
	if (!slice_is(e->level, "info")) {
		print_clean(e->level);
		fputs(": ", stdout);
	}
	words_print(e);
	putchar('\n');
}

/* --- what became of it --------------------------------------------------------------- */

static bool
is_fate(struct slice event)
{
	return slice_is(event, "delivered") || slice_is(event, "deferred") || slice_is(event, "failed");
}

static int
compare(struct slice a, struct slice b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int order = both > 0 ? memcmp(a.data, b.data, both) : 0;
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* By message and recipient; of one recipient the last line first. */
static int
by_recipient(const void *a, const void *b)
{
	const struct told *x = *(const struct told *const *)a, *y = *(const struct told *const *)b;
	int order = compare(entry_message(&x->entry), entry_message(&y->entry));
	if (order == 0)
		order = compare(entry_field(&x->entry, "to"), entry_field(&y->entry, "to"));
	return order != 0 ? order : (x < y) - (x > y);
}

static void
print_fate(const struct entry *e, bool same_message)
{
	if (!same_message) {
		fputs("\nmessage ", stdout);
		print_clean(entry_message(e));
		fputs(":\n", stdout);
	}
	fputs("    ", stdout);
	print_padded(e->event, 11);
	print_clean(entry_field(e, "to"));
	fputs("  (", stdout);
	print_clean(entry_field(e, "code"));
	putchar(' ');
	print_clean(entry_field(e, "text"));
	fputs(")\n", stdout);
}

static void
print_fates(const struct told **fates, size_t count)
{
	struct slice message = slice_of(""), to = slice_of("");
	for (size_t i = 0; i < count; i++) {
		const struct entry *e = &fates[i]->entry;
		bool same_message = slice_equal(message, entry_message(e));
		if (same_message && slice_equal(to, entry_field(e, "to")))
			continue;
		print_fate(e, same_message);
		message = entry_message(e);
		to = entry_field(e, "to");
	}
}

void
story_print(struct story *s)
{
	const struct told **fates = NULL;
	size_t count = 0, room = 0;
	for (size_t i = 0; i < s->count; i++) {
		print_line(&s->lines[i].entry);
		if (!is_fate(s->lines[i].entry.event) || entry_message(&s->lines[i].entry).len == 0)
			continue;
		if (count == room)
			fates = memory_grow(fates, &room, sizeof *fates);
		fates[count++] = &s->lines[i];
	}
	if (count > 0) {
		qsort(fates, count, sizeof *fates, by_recipient);
		print_fates(fates, count);
	}
	free(fates);
}
