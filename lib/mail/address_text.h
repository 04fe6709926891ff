/* Within lib/mail: the canonical form of an address. */
#ifndef MAIL_ADDRESS_TEXT_H
#define MAIL_ADDRESS_TEXT_H

#include "lib/mail/address.h"

/* A byte of a local part without quotes: atext of RFC 5322, a dot, or not ASCII. */
bool address_is_local_byte(int c);
/* No dot at an end, no two in a row, not empty. */
bool address_has_right_dots(struct slice text);
/* The length of a local part in its canonical form. */
size_t address_printed_length(struct slice local);
/* Makes a->text of local part and domain, without memory of its own: that it fits has been measured. */
void address_write_text(struct address *a);

#endif
