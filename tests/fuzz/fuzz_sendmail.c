/*
 * What programs give sendmail: a list of recipients, then (behind a NUL) the
 * message with its header; and the words of its command line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "queue/control_filter.h"
#include "queue/sendmail_header.h"
#include "queue/sendmail_options.h"
#include "queue/sendmail_spool.h"
#include "queue/sendmail_text.h"

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Each recipient can stand in a packet and in the queue. */
static void
check_recipients(const struct recipients *r)
{
	struct slice rest = str_slice(&r->texts), one;
	size_t count = 0;
	while (slice_split(&rest, '\0', &one)) {
		struct address a;
		enum address_result result = address_parse(one, ADDRESS_UTF8, &a);
		check(result == ADDRESS_OK || result == ADDRESS_LOCAL_LONG);
		check(slice_equal(address_text(&a), one));
		count++;
	}
	check(count == r->count);
}

static void
try_recipients(struct slice list, struct slice header)
{
	struct recipients r = {.texts = STR_MOST(1u << 20)};
	struct str wrong = STR_MOST(4096);
	recipients_add(&r, list, "host.test", &wrong);
	recipients_from_header(&r, header, "host.test", &wrong);
	check_recipients(&r);
	str_free(&r.texts);
	str_free(&wrong);
}

static void
check_written(struct slice written)
{
	struct header_field f;
	check(!header_find(written, "Bcc", &f) && !header_find(written, "Resent-Bcc", &f) && !header_find(written, "Return-Path", &f));
	check(header_find(written, "From", &f) && header_find(written, "Date", &f) && header_find(written, "Message-ID", &f));
	check(header_end(written) == written.len);
}

static void
try_message(struct slice list, struct slice text)
{
	struct spool spool = SPOOL_START;
	struct str lines = STR_MOST(1u << 20), written = STR_MOST(1u << 20);
	struct text state = {.dot_ends = true};
	struct slice header;
	text_add(&state, &lines, text);
	text_end(&state, &lines);
	check(spool_add(&spool, str_slice(&lines)));
	struct writer w = {.hostname = "host.test", .full_name = "M\xc3\xa4rz \"x\"", .complete = true, .queue_id = "2222222222222"};
	if (spool_header(&spool, &header)) {
		try_recipients(list, header);
		check(header_write(&written, header, &w));
		check_written(str_slice(&written));
	}
	spool_end(&spool);
	str_free(&lines);
	str_free(&written);
}

/* Spaces separate words. */
static void
try_options(struct slice text)
{
	char *words[16] = {(char *)(uintptr_t)"sendmail"};
	int count = 1;
	struct slice word;
	while (count < 16 && slice_split(&text, ' ', &word))
		words[count++] = strndup(word.data, word.len);
	struct sendmail_options o;
	int first = sendmail_options_read(&o, count, words, 1);
	check(first >= -1 && first <= count && (first >= 0 || o.problem != NULL));
	while (--count > 0)
		free(words[count]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_make((const char *)data, size);
	size_t cut = slice_find(all, '\0');
	struct slice list = slice_first(all, cut), message = slice_from(all, cut + 1);
	try_message(list, message);
	try_options(list);
	wildcards_match(list, message);
	return 0;
}
