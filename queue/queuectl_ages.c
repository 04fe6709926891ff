/*
 * How long what waits has been waiting, by domain: the table that qshape prints.
 * Recipients by their domain, or messages by their sender's. Memory is bounded:
 * domains past the first many are counted together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/program.h"
#include "lib/mail/address.h"
#include "queue/control_print.h"
#include "queue/queuectl.h"

#define DOMAINS_MOST 20000
#define SLOTS        65536 /* a power of two, more than twice as many */
#define COLUMNS      10

static const uint64_t limits[COLUMNS - 1] = {5, 10, 20, 40, 80, 160, 320, 640, 1280}; /* minutes; the last column is the rest */

struct row {
	char    *domain;
	uint64_t total, ages[COLUMNS];
};

struct ages {
	const struct request *request;
	struct row  rows[DOMAINS_MOST];
	size_t      count;
	uint32_t    slots[SLOTS]; /* index of a row + 1; 0: free */
	struct row  total, others;
	uint64_t    now;
	char        last[ID_LETTERS + 1];
};

/* --- counting ---------------------------------------------------------------------------------- */

static uint32_t *
slot_of(struct ages *a, struct slice domain)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < domain.len; i++)
		hash = (hash ^ (unsigned char)ascii_lower(domain.data[i])) * 16777619u;
	size_t at = hash & (SLOTS - 1);
	while (a->slots[at] != 0 && !slice_equal_nocase(slice_of(a->rows[a->slots[at] - 1].domain), domain))
		at = (at + 1) & (SLOTS - 1);
	return &a->slots[at];
}

/* One that is too many, or has no memory, is among the others. */
static struct row *
row_of(struct ages *a, struct slice domain)
{
	uint32_t *slot = slot_of(a, domain);
	if (*slot != 0)
		return &a->rows[*slot - 1];
	char *name = a->count < DOMAINS_MOST ? strndup(domain.data, domain.len) : NULL;
	if (name == NULL)
		return &a->others;
	struct row *row = &a->rows[a->count++];
	row->domain = name;
	*slot = (uint32_t)a->count;
	return row;
}

static void
count_age(struct row *row, uint64_t seconds)
{
	size_t column = 0;
	while (column < COLUMNS - 1 && seconds >= limits[column] * 60)
		column++;
	row->total++;
	row->ages[column]++;
}

static bool
count_recipient(void *context, const struct queue_entry *e)
{
	struct ages *a = context;
	bool waits = strcmp(e->state, "delivered") != 0 && strcmp(e->state, "failed") != 0;
	bool again = strcmp(a->last, e->id) == 0;
	if (!waits || (a->request->by_sender && again))
		return true;
	snprintf(a->last, sizeof a->last, "%s", e->id);
	struct slice local, domain;
	address_split(slice_of(a->request->by_sender ? e->sender : e->recipient), &local, &domain);
	if (a->request->by_sender && e->sender[0] == '\0')
		domain = slice_of("MAILER-DAEMON");
	uint64_t age = a->now > e->arrival ? a->now - e->arrival : 0;
	count_age(row_of(a, domain), age);
	count_age(&a->total, age);
	return true;
}

/* --- printing -------------------------------------------------------------------------------------- */

static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return strcmp(x->domain, y->domain);
}

static void
print_row(const char *name, const struct row *row)
{
	print_clean(name);
	int pad = 30 - (int)strlen(name);
	printf("%*s%7llu", pad > 1 ? pad : 1, "", (unsigned long long)row->total);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%7llu", (unsigned long long)row->ages[i]);
	putchar('\n');
}

static void
print_table(const struct ages *a)
{
	printf("%30s%7s", "", "T");
	for (size_t i = 0; i < COLUMNS - 1; i++)
		printf("%7llu", (unsigned long long)limits[i]);
	printf("%7s\n", "1280+");
	print_row("TOTAL", &a->total);
	for (size_t i = 0; i < a->count; i++)
		print_row(a->rows[i].domain, &a->rows[i]);
	if (a->others.total > 0)
		print_row("(other domains)", &a->others);
}

static void
print_json_row(const char *domain, const struct row *row)
{
	fputs("{\"domain\":", stdout);
	print_json(domain);
	print_json_number("total", row->total);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%s%llu", i == 0 ? ",\"ages\":[" : ",", (unsigned long long)row->ages[i]);
	puts("]}");
}

int
queuectl_ages(struct control *c, const struct request *r)
{
	static struct ages a;
	a.request = r;
	a.now = (uint64_t)clock_unix();
	enum control_result result = filter_list(c, &r->filter, count_recipient, &a);
	if (result != CONTROL_OK)
		return control_exit_code(result);
	qsort(a.rows, a.count, sizeof *a.rows, compare_rows);
	if (!r->json) {
		print_table(&a);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < a.count; i++)
		print_json_row(a.rows[i].domain, &a.rows[i]);
	if (a.others.total > 0)
		print_json_row("", &a.others);
	return EXIT_DONE;
}
