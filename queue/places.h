/*
 * The places of messages at work: active_messages of them, and active_memory
 * bytes. Who gets one next: what has just come before what was deferred, and
 * nothing for a destination whose line is long enough (its messages are parked:
 * they wait in the heap with its tag, and are called when its line is short).
 */
#ifndef QUEUE_PLACES_H
#define QUEUE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/message.h"

void places_begin(void);
/* How many more messages could be at work. */
size_t places_left(void);
/* Links the message into manager.active; and unlinks it. */
void places_take(struct message *m);
void places_give_back(struct message *m);
/* For the message of that file, before it is read: not while others need all the memory that there is for large ones. */
bool places_have_memory_for(int fd);

/* A message that the intake has just committed or offered: started, or to be started when there is a place. */
void places_start_fresh(uint64_t id, enum origin origin);
/*
 * What a clock that was ahead has put off is not left until it comes there again: when it has jumped back since the last
 * call, nothing waits longer than any wait is. To be called whenever a time is put down, else a jump stays unseen that
 * came and went between two looks.
 */
void places_notice_clock(void);
/* The timer manager.due is set for what waits. */
void places_set_timer(void);

/* The message waits, without an attempt, until there is room in the line of m->parked_for. */
void places_park(const struct message *m);
/* Something has been served of the destination of that tag: those that are parked for it may be called. */
void places_call(uint32_t tag);

#endif
