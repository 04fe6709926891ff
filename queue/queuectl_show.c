/* One message: its envelope as a table or JSON, or its text. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/program.h"
#include "queue/control_print.h"
#include "queue/queuectl.h"

#define PIECE 65536

/* --- the text -------------------------------------------------------------------------------- */

static bool
print_text(const struct shown_message *m)
{
	static char piece[PIECE];
	for (uint64_t done = 0; done < m->size;) {
		size_t len = m->size - done < sizeof piece ? (size_t)(m->size - done) : sizeof piece;
		if (!file_read_at(m->fd, piece, len, (off_t)(m->header_size + done)) || fwrite(piece, 1, len, stdout) != len)
			return false;
		done += len;
	}
	return fflush(stdout) == 0;
}

/* --- the envelope as a table --------------------------------------------------------------------- */

static void
print_row(const char *name, const char *value)
{
	printf("%-12s ", name);
	print_clean(value);
	putchar('\n');
}

static void
print_key(const char *key)
{
	size_t len = strcspn(key, "=");
	char name[64];
	snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), key);
	print_row(name, key[len] == '=' ? key + len + 1 : "");
}

static void
print_table(struct control *c, const char *id, const struct shown_message *m)
{
	uint64_t now = (uint64_t)clock_unix();
	print_row("queue id", id);
	print_row("state", m->state);
	print_row("sender", m->sender[0] != '\0' ? m->sender : "<>");
	printf("%-12s %llu bytes\n%-12s ", "size", (unsigned long long)m->size, "arrival");
	print_date(m->arrival);
	printf(" (%llu min ago)\n", (unsigned long long)(now > m->arrival ? (now - m->arrival) / 60 : 0));
	printf("%-12s %llu", "tries", (unsigned long long)m->tries);
	if (m->next_try > 0) {
		fputs(", the next one at ", stdout);
		print_date(m->next_try);
	}
	putchar('\n');
	const char *key;
	while ((key = packet_field(&c->p)) != NULL)
		print_key(key);
	puts("recipients");
}

static bool
print_recipient(void *context, const struct queue_entry *e)
{
	(void)context;
	printf("  %-9s  ", e->state);
	print_clean(e->recipient);
	if (e->original[0] != '\0') {
		fputs(" (for ", stdout);
		print_clean(e->original);
		putchar(')');
	}
	if (e->text[0] != '\0') {
		fputs("\n             ", stdout);
		print_clean(e->text);
	}
	putchar('\n');
	return !ferror(stdout);
}

/* --- the envelope as JSON -------------------------------------------------------------------------- */

static void
print_json_envelope(struct control *c, const char *id, const struct shown_message *m)
{
	fputs("{\"queue_id\":", stdout);
	print_json(id);
	print_json_text("state", m->state);
	print_json_number("arrival_time", m->arrival);
	print_json_number("message_size", m->size);
	print_json_text("sender", m->sender);
	print_json_number("tries", m->tries);
	print_json_number("next_try", m->next_try);
	fputs(",\"keys\":[", stdout);
	const char *key, *separator = "";
	for (; (key = packet_field(&c->p)) != NULL; separator = ",") {
		fputs(separator, stdout);
		print_json(key);
	}
	fputs("],\"recipients\":[", stdout);
}

static bool
print_json_one(void *context, const struct queue_entry *e)
{
	bool *any = context;
	if (*any)
		putchar(',');
	*any = true;
	print_json_recipient(e);
	return !ferror(stdout);
}

/* --- both ---------------------------------------------------------------------------------------------- */

static enum control_result
print_envelope(struct control *c, const struct request *r, const char *id, const struct shown_message *m)
{
	bool any = false;
	if (r->json)
		print_json_envelope(c, id, m);
	else
		print_table(c, id, m);
	enum control_result result = control_message(c, id, r->json ? print_json_one : print_recipient, &any);
	if (r->json)
		puts("]}");
	return result;
}

static int
show_one(struct control *c, const struct request *r, const char *id)
{
	struct shown_message m;
	enum control_result result = control_show(c, id, &m);
	if (result == CONTROL_NONE)
		fprintf(stderr, "%s: %s is not in the queue\n", r->program, id);
	if (result != CONTROL_OK)
		return control_exit_code(result);
	bool ok = true;
	if (r->message)
		ok = print_text(&m);
	else
		result = print_envelope(c, r, id, &m);
	close(m.fd);
	return ok ? control_exit_code(result) : EXIT_TEMPORARY;
}

int
queuectl_show(struct control *c, const struct request *r)
{
	int code = EXIT_DONE;
	for (size_t i = 0; i < r->filter.id_count && code != EXIT_TEMPORARY; i++) {
		if (i > 0 && !r->json && !r->message)
			putchar('\n');
		int one = show_one(c, r, r->filter.ids[i]);
		code = one != EXIT_DONE ? one : code;
	}
	return code;
}
