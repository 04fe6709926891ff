/* How the tools print what is anybody's: to a terminal without control characters, and as JSON. */
#ifndef QUEUE_CONTROL_PRINT_H
#define QUEUE_CONTROL_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/control_client.h"

/* What is no printable character or well-formed UTF-8 becomes '?'. */
void print_clean(const char *text);
/* "Thu Nov 26 02:26:30", as the mailq of others has it. */
void print_when(uint64_t when);
/* "2026-11-26 02:26:30" */
void print_date(uint64_t when);
/* As a JSON string; bytes that are no UTF-8 become U+FFFD. */
void print_json(const char *text);
/* ,"name":"text" and ,"name":number */
void print_json_text(const char *name, const char *text);
void print_json_number(const char *name, uint64_t number);
/* A recipient as a JSON object. */
void print_json_recipient(const struct queue_entry *e);
/* "active", "hold", "deferred" or "incoming": the queue that Postfix would have it in. */
const char *queue_name(const struct queue_entry *e);

#endif
