/* What the parts of the milter protocol (milter*.c) share. */
#ifndef FILTER_MILTER_PARTS_H
#define FILTER_MILTER_PARTS_H

#include "lib/filter/milter.h"

/* Steps that the filter does not want, and those that it will not answer. */
enum protocol {
	NO_CONNECT = 0x01,
	NO_HELO = 0x02,
	NO_MAIL = 0x04,
	NO_RCPT = 0x08,
	NO_BODY = 0x10,
	NO_FIELDS = 0x20,
	NO_END_OF_HEADER = 0x40,
	SILENT_FIELD = 0x80,
	NO_UNKNOWN = 0x100,
	NO_DATA = 0x200,
	MAY_SKIP = 0x400,
	SILENT_CONNECT = 0x1000,
	SILENT_HELO = 0x2000,
	SILENT_MAIL = 0x4000,
	SILENT_RCPT = 0x8000,
	SILENT_DATA = 0x10000,
	SILENT_UNKNOWN = 0x20000,
	SILENT_END_OF_HEADER = 0x40000,
	SILENT_BODY = 0x80000,
	LEADING_SPACE = 0x100000,
};

/* The filter is broken, for this reason unless there was one before. */
enum milter_word milter_broken(struct milter *m, const char *why);

/* --- packets (milter_packet.c) ------------------------------------------------------- */

/* Begins a packet in m->packet. */
void milter_packet(struct milter *m);
/* A text of the protocol ends in NUL, so it holds none. */
void milter_put(struct milter *m, struct slice text);
void milter_put_number(struct milter *m, uint32_t number);
/* Sends the packet that was made, or other bytes. Trouble stands in m->trouble. */
void milter_send(struct milter *m, char command);
void milter_send_bytes(struct milter *m, char command, struct slice data);
/* The next packet of the filter: its byte, and its data, which is in m->packet. False: broken. */
bool milter_receive(struct milter *m, int64_t deadline, char *command, struct slice *data);

/* --- answers (milter_answer.c) ------------------------------------------------------- */

/* Waits for the verdict, `patience` ms for each sign of life, within bounds; changes go to `change` (NULL: there may be none). */
enum milter_word milter_await(struct milter *m, int patience, milter_change *change, void *context);

#endif
