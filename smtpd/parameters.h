/* The parameters behind a path: " SIZE=1024 BODY=8BITMIME" (RFC 5321 section 4.1.2, esmtp-param). */
#ifndef SMTPD_PARAMETERS_H
#define SMTPD_PARAMETERS_H

#include <stdbool.h>

#include "lib/base/slice.h"

enum parameter_result {
	PARAMETER_OK,
	PARAMETER_NONE,  /* no more */
	PARAMETER_WRONG, /* not a parameter */
};

/* Takes the next one from `*rest`. `value` has data NULL when there was no "=". */
enum parameter_result parameter_next(struct slice *rest, struct slice *keyword, struct slice *value);

#endif
