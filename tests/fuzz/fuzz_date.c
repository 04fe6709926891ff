/* A date that is read is printed and read again as the same. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/date.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
print_again(struct date d)
{
	struct str s = STR_MOST(100);
	struct date again;
	if (date_print_imap(&s, d))
		must(date_parse_imap(str_slice(&s), &again) && again.when == d.when && again.zone == d.zone);
	str_clear(&s);
	/* Years below 1000 mean others in a message's date. */
	if (d.when > -30000000000 && date_print(&s, d))
		must(date_parse(str_slice(&s), &again) && again.when == d.when && again.zone == d.zone);
	str_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct date d;
	int64_t day;
	if (date_parse(text, &d))
		print_again(d);
	if (date_parse_imap(text, &d))
		print_again(d);
	date_parse_imap_day(text, &day);
	return 0;
}
