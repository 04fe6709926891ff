/* Within lib/mail: what charset_reader.c asks of charset.c. */
#ifndef MAIL_CHARSET_WITHIN_H
#define MAIL_CHARSET_WITHIN_H

struct charset;

/* Its name for iconv_open(3); NULL: it is UTF-8 already. */
const char *charset_library(const struct charset *charset);

#endif
