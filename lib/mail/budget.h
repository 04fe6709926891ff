/*
 * The budgets of all that reads messages, in one table. Over budget means
 * "store it, stop parsing": never "refuse good mail", never "go on for ever".
 */
#ifndef MAIL_BUDGET_H
#define MAIL_BUDGET_H

#define BUDGETS(X)                                                                          \
	X(HEADER_FIELDS, 10000, "fields of one header that are looked at")                      \
	X(HEADER_BYTES, 1048576, "bytes of one header that are looked at")                      \
	X(MIME_NESTING, 100, "parts within parts; deeper ones are leaves")                      \
	X(MIME_PARTS, 10000, "parts of one message; what comes behind belongs to the last one") \
	X(MIME_PARAMETERS, 1000, "parameters of one field")                                     \
	X(LIST_MAILBOXES, 10000, "mailboxes of one address list")

/* BUDGET_HEADER_FIELDS and so on. */
#define BUDGET_ENTRY(name, most, meaning) BUDGET_##name = (most),
enum budget { BUDGETS(BUDGET_ENTRY) };
#undef BUDGET_ENTRY

#endif
