/* The settings of postern-queued; the table that fills them is in postern-queued.c, their meaning in postern-queued.8. */
#ifndef QUEUE_SETTINGS_H
#define QUEUE_SETTINGS_H

#include <stdint.h>

struct queue_settings {
	const char *hostname;
	const char *directory;
	const char *relay_host;
	const char *always_bcc;
	const char *sender_bcc, *recipient_bcc, *sql_sender_bcc, *sql_recipient_bcc; /* authd's: whether it is to be asked */
	const char *postmaster;
	const char *queue_list;   /* everyone or root */
	const char *queue_admins; /* users, with spaces between */
	uint64_t    free_space, free_inodes;
	uint64_t    submit_idle; /* seconds */
	uint64_t    message_size;
	uint64_t    retry_first, retry_most, life, bounce_life; /* seconds */
	uint64_t    delay_warning;  /* seconds; 0: nobody is warned */
	uint64_t    bounce_size;    /* bytes of a message that is returned whole */
	const char *bounce_template; /* a file; "": the words that are built in */
	uint64_t    journal_size;
	uint64_t    maildir_first; /* seconds that a message may take to its Maildirs before it is synced in the queue; 0: none */
	uint64_t    sync_workers;
	uint64_t    deliver_workers;
	uint64_t    remote_concurrency;
	uint64_t    destination_first, destination_most, destination_failures, destination_pause;
	uint64_t    mailbox_concurrency;
	uint64_t    active_most, active_memory;
};

#endif
