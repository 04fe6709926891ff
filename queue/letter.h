/*
 * The letters that the bouncer writes: it composes what bounce.h or notice.h
 * say of a message in the queue and hands it in over queue/submit.
 */
#ifndef QUEUE_LETTER_H
#define QUEUE_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "queue/bounce_template.h"
#include "queue/directory.h"

/*
 * `verb`: "bounce" (with `late`: also of those that wait) or "notice". Done: the
 * letter is durable, the text of the outcome is its queue id. Permanent: nobody
 * is to be told. Temporary: again later.
 */
struct outcome letter_make(const struct queue_directory *d, const char *verb, uint64_t id, bool late,
    const struct bounce_templates *templates);

#endif
