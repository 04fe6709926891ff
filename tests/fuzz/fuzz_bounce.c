/* Notifications of hostile texts: whatever they are, a letter of whole lines that only says what it is meant to. And templates of any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/encoded.h"
#include "queue/bounce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECIPIENTS 3

static struct slice
take(struct slice *rest, size_t most)
{
	struct slice part;
	if (!slice_split(rest, '\xfe', &part))
		return slice_of("");
	return slice_first(part, most);
}

static size_t
count_lines(struct slice letter, const char *start)
{
	size_t count = 0;
	struct slice line;
	while (slice_split(&letter, '\n', &line))
		count += slice_starts(line, start);
	return count;
}

static void
compose(struct bounce *b)
{
	struct str letter = STR_MOST(BOUNCE_MOST);
	if (!bounce_compose(&letter, b))
		abort();
	struct slice all = str_slice(&letter);
	if (!text_is_lines(all) || (!bounce_needs_8bit(b) && !address_is_ascii(all)))
		abort();
	/* What comes back is the sender's own text; before it nothing but ours begins a line. */
	size_t told = 0;
	for (size_t i = 0; i < b->file->count; i++)
		told += report_of(b->file, &b->file->recipients[i], b->late) != REPORT_NOTHING;
	if (b->returned.len == 0 && (count_lines(all, "Action: ") != told || count_lines(all, "Final-Recipient: ") != told ||
	    count_lines(all, "Reporting-MTA: ") != 1))
		abort();
	str_free(&letter);
}

/* The words of the administrator may hold any line, so they are checked apart. */
static void
try_template(struct slice text)
{
	struct bounce_templates t;
	struct template_fault fault;
	bounce_templates_begin(&t);
	if (!bounce_templates_parse(&t, text, &fault)) {
		if (fault.why == NULL)
			abort();
		return;
	}
	struct file_recipient r = {.address = slice_of("b@x"), .parent = NO_PARENT, .status = RECIPIENT_FAILED};
	struct queue_file f = {.sender = slice_of("a@x"), .recipients = &r, .count = 1};
	for (int kind = 0; kind < 3; kind++) {
		static const enum recipient_status statuses[] = {RECIPIENT_FAILED, RECIPIENT_SUCCEEDED, RECIPIENT_PENDING};
		r.status = statuses[kind];
		compose(&(struct bounce){.file = &f, .templates = &t, .hostname = "h.test", .to = f.sender, .late = true, .returned = slice_of("X: y\r\n")});
	}
}

static void
try_texts(struct slice rest, unsigned choice)
{
	static const char letters[] = {RECIPIENT_FAILED, RECIPIENT_SUCCEEDED, RECIPIENT_RELAYED, RECIPIENT_PENDING};
	struct bounce_templates t;
	bounce_templates_begin(&t);
	struct file_recipient recipients[RECIPIENTS];
	struct queue_file f = {.recipients = recipients, .count = RECIPIENTS, .with = take(&rest, 2000)};
	struct slice to = take(&rest, 300);
	f.sender = to;
	for (size_t i = 0; i < RECIPIENTS; i++)
		recipients[i] = (struct file_recipient){
		    .address = take(&rest, 2000), .keys = take(&rest, 2000), .code = take(&rest, FILE_CODE_WIDTH),
		    .text = take(&rest, FILE_TEXT_WIDTH), .parent = i > 0 && choice & 16 ? (uint32_t)i - 1 : NO_PARENT,
		    .expanded = i == 0 && choice & 16, .targets = 2,
		    .status = (enum recipient_status)letters[(choice >> i) & 3]};
	struct bounce b = {.file = &f, .templates = &t, .hostname = "h.test", .to = to, .to_postmaster = choice & 32, .late = choice & 64,
	    .whole = choice & 128};
	compose(&b);
	b.returned = rest;
	compose(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice rest = slice_make((const char *)data + 1, size - 1);
	if (data[0] == 0)
		try_template(rest);
	else
		try_texts(rest, data[0]);
	return 0;
}
