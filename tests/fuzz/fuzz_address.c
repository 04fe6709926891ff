/* Envelope addresses and header lists: what is accepted is clean, within its limits, and read again the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/list.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check(const struct address *a, enum address_result r, unsigned flags)
{
	struct address again;
	struct str printed = STR_MOST(1000);
	if (r != ADDRESS_OK && r != ADDRESS_LOCAL_LONG) {
		must(a->text_len == 0);
		return;
	}
	must(a->text_len + 2 <= ADDRESS_PATH_MOST && strlen(a->text) == a->text_len);
	must(strlen(a->local) == a->local_len && strlen(a->domain) == a->domain_len);
	for (size_t i = 0; i < a->text_len; i++)
		must((unsigned char)a->text[i] >= ' ' && a->text[i] != 0x7f);
	must(address_print(&printed, address_local(a), address_domain(a)));
	must(slice_equal(str_slice(&printed), address_text(a)));
	str_free(&printed);
	must(address_parse(address_text(a), flags | ADDRESS_NULL, &again) == r);
	must(slice_equal(address_text(a), address_text(&again)));
	must(slice_equal(address_local(a), address_local(&again)));
}

static void
read_list(struct slice text)
{
	struct mailbox_list list;
	struct mailbox m;
	mailbox_list_begin(&list, text);
	while (mailbox_list_next(&list, &m)) {
		must(!slice_has(m.name, '\0') && !slice_has(m.name, '\n') && !slice_has(m.name, '\r'));
		must(!slice_has(m.local, '\0') && !slice_has(m.domain, '\n'));
	}
	must(!list.failed);
	mailbox_list_end(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address a;
	struct slice rest, local, domain;
	if (size == 0)
		return 0;
	unsigned flags = data[0] & 31;
	struct slice text = slice_make((const char *)data + 1, size - 1);
	check(&a, address_parse_path(text, flags, &a, &rest), flags);
	check(&a, address_parse(text, flags, &a), flags);
	address_split(text, &local, &domain);
	address_split_extension(text, "+-", &local, &domain);
	read_list(text);
	return 0;
}
