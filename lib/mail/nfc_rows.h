/* Within lib/mail: the tables of nfc.h, without Hangul, which is counted. */
#ifndef MAIL_NFC_ROWS_H
#define MAIL_NFC_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a character of form C is made of. False: it is not composed. */
bool nfc_parts(uint32_t character, uint32_t *first, uint32_t *second);
/* What the two become, or 0. */
uint32_t nfc_composite(uint32_t first, uint32_t second);
/* The canonical combining class. */
unsigned nfc_class(uint32_t character);
/* No text in form C has it. */
bool nfc_excluded(uint32_t character);

#endif
