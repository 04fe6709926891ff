#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MOST  4000
#define VALUE_MOST 512

struct line {
	char   data[LINE_MOST];
	size_t len;
};

static const char    *program_name = "postern";
static enum log_level least_level = LOG_INFO;
static const char    *session_key;
static char           session_value[128];

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static void
put(struct line *l, const char *bytes, size_t len)
{
	size_t room = sizeof l->data - 1 - l->len; /* one byte is kept for the line end */
	if (len > room)
		len = room;
	memcpy(l->data + l->len, bytes, len);
	l->len += len;
}

static void
put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static bool
is_plain(int c)
{
	return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '=';
}

static void
put_escaped(struct line *l, struct slice value)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];
		if (is_plain(c) || c == ' ' || c == '=') {
			put(l, (const char *)&c, 1);
			continue;
		}
		char escape[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
		put(l, escape, sizeof escape);
	}
}

static void
put_value(struct line *l, struct slice value)
{
	struct slice shown = slice_first(value, VALUE_MOST);
	bool quoted = shown.len == 0;
	for (size_t i = 0; i < shown.len && !quoted; i++)
		quoted = !is_plain((unsigned char)shown.data[i]);
	if (quoted)
		put_text(l, "\"");
	put_escaped(l, shown);
	if (shown.len < value.len)
		put_text(l, "...");
	if (quoted)
		put_text(l, "\"");
}

static void
put_field(struct line *l, const struct log_field *f)
{
	put_text(l, " ");
	put_text(l, f->key);
	put_text(l, "=");
	if (f->kind == LOG_TEXT) {
		put_value(l, f->value);
		return;
	}
	char digits[32];
	snprintf(digits, sizeof digits, "%lld", (long long)f->number);
	put_text(l, digits);
}

struct log_field
log_text(const char *key, const char *value)
{
	return (struct log_field){.key = key, .value = slice_of(value), .kind = LOG_TEXT};
}

struct log_field
log_slice(const char *key, struct slice value)
{
	return (struct log_field){.key = key, .value = value, .kind = LOG_TEXT};
}

struct log_field
log_number(const char *key, int64_t value)
{
	return (struct log_field){.key = key, .number = value, .kind = LOG_NUMBER};
}

struct log_field
log_errno(void)
{
	return log_text("reason", strerror(errno));
}

void
log_open(const char *program)
{
	program_name = program;
}

void
log_set_level(enum log_level least)
{
	least_level = least;
}

void
log_session(const char *key, const char *value)
{
	session_key = value != NULL ? key : NULL;
	snprintf(session_value, sizeof session_value, "%s", value != NULL ? value : "");
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	if (level < least_level)
		return;
	int saved = errno;
	struct line l = {.len = 0};
	put_text(&l, program_name);
	put_text(&l, ": ");
	put_text(&l, level_names[level]);
	put_text(&l, ": ");
	put_text(&l, event);
	if (session_key != NULL)
		put_field(&l, &(struct log_field){.key = session_key, .value = slice_of(session_value)});
	for (size_t i = 0; i < count; i++)
		if (fields[i].key != NULL)
			put_field(&l, &fields[i]);
	l.data[l.len++] = '\n';
	/* The log is the last resort: when it cannot be written there is nobody left to tell. */
	ssize_t written = write(STDERR_FILENO, l.data, l.len);
	(void)written;
	errno = saved;
}
