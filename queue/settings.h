/* The settings of postern-queued; the table that fills them is in postern-queued.c, their meaning in postern-queued.8. */
#ifndef QUEUE_SETTINGS_H
#define QUEUE_SETTINGS_H

#include <stdint.h>

struct queue_settings {
	const char *hostname;
	const char *directory;
	const char *relay_host;
	const char *postmaster;
	const char *queue_list;   /* everyone or root */
	const char *queue_admins; /* users, with spaces between */
	uint64_t    free_space;
	uint64_t    message_size;
	uint64_t    retry_first, retry_most, life; /* seconds */
	uint64_t    sync_workers;
	uint64_t    deliver_workers;
	uint64_t    remote_concurrency;
	uint64_t    active_most;
};

#endif
