#include "queue/control_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/mail/address.h"

/* The bytes of the character that comes next: 1 to 4; 0 when it is none. */
static size_t
character(const char *text)
{
	size_t left = strnlen(text, 4);
	for (size_t len = 1; len <= left; len++)
		if (address_is_utf8(slice_make(text, len)))
			return len;
	return 0;
}

/* U+0080 to U+009F: terminals obey them too. */
static bool
is_control(const char *text, size_t len)
{
	unsigned char first = (unsigned char)text[0];
	return first < ' ' || first == 0x7f || (len == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

void
print_clean(const char *text)
{
	while (*text != '\0') {
		size_t len = character(text);
		if (len == 0 || is_control(text, len))
			putchar('?');
		else
			fwrite(text, 1, len, stdout);
		text += len > 0 ? len : 1;
	}
}

static bool
local_time(uint64_t when, struct tm *tm)
{
	time_t seconds = (time_t)when;
	return when > 0 && localtime_r(&seconds, tm) != NULL;
}

void
print_when(uint64_t when)
{
	char text[40] = "-";
	struct tm tm;
	if (local_time(when, &tm))
		strftime(text, sizeof text, "%a %b %e %H:%M:%S", &tm);
	fputs(text, stdout);
}

void
print_date(uint64_t when)
{
	char text[40] = "-";
	struct tm tm;
	if (local_time(when, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	fputs(text, stdout);
}

void
print_json(const char *text)
{
	putchar('"');
	while (*text != '\0') {
		size_t len = character(text);
		if (len == 0)
			fputs("\\ufffd", stdout);
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (len == 1 && is_control(text, 1))
			printf("\\u%04x", (unsigned char)*text);
		else
			fwrite(text, 1, len, stdout);
		text += len > 0 ? len : 1;
	}
	putchar('"');
}

void
print_json_text(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	print_json(text);
}

void
print_json_number(const char *name, uint64_t number)
{
	printf(",\"%s\":%llu", name, (unsigned long long)number);
}

void
print_json_recipient(const struct queue_entry *e)
{
	fputs("{\"address\":", stdout);
	print_json(e->recipient);
	if (e->original[0] != '\0')
		print_json_text("original", e->original);
	print_json_text("state", e->state);
	print_json_number("tries", e->tries);
	print_json_number("next_try", e->next_try);
	print_json_text("delay_reason", e->text);
	putchar('}');
}

const char *
queue_name(const struct queue_entry *e)
{
	if (e->active)
		return "active";
	if (strcmp(e->state, "held") == 0)
		return "hold";
	return e->tries > 0 ? "deferred" : "incoming";
}
