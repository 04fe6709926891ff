/* Within lib/mail: from the fields of a part's header to struct mime_part. */
#ifndef MAIL_MIME_FIELDS_H
#define MAIL_MIME_FIELDS_H

#include "lib/mail/mime.h"

/* Reads the Content- fields of `header` into `p`; `in_digest` decides the default type. Sets the kind by type alone. */
void mime_read_fields(struct mime_part *p, struct slice header, bool in_digest);

#endif
