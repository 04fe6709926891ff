#include "queue/remote_header.h"

#include "lib/base/file.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

#define HEADER_MOST 65536 /* that are looked at */

void
header_look(struct errand *e)
{
	static char bytes[HEADER_MOST];
	struct header_field field;
	size_t len = e->length < sizeof bytes ? (size_t)e->length : sizeof bytes;
	if (!file_read_at(e->file, bytes, len, (off_t)e->offset))
		return; /* it is said when the message is to be sent */
	struct slice message = slice_make(bytes, len);
	struct slice header = slice_first(message, header_end(message));
	/* What is not seen may hold them. */
	e->utf8_header = !address_is_ascii(header) || (header.len == HEADER_MOST && e->length > HEADER_MOST);
	e->tls_optional = header_find(header, "TLS-Required", &field) && slice_is_nocase(slice_trim(field.value), "no");
}
