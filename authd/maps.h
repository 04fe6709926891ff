/*
 * The tables that authd asks, whatever holds them: the embedded users (cdb),
 * or the administrator's SQL. A fact is what one table says about one key.
 */
#ifndef AUTHD_MAPS_H
#define AUTHD_MAPS_H

enum map {
	MAP_DOMAIN,       /* a domain: any value means that its users are ours */
	MAP_MAILBOX,      /* an address: its Maildir; rows (rows.h) with home and mail from a Dovecot user_query */
	MAP_ALIAS,        /* an address or "@domain": targets, commas between */
	MAP_QUOTA,        /* an address: bytes */
	MAP_PASSWORD,     /* a login: rows of its passwords (rows.h) */
	MAP_RELAY_DOMAIN, /* a domain: any value means that we pass its mail on */
	MAP_TRANSPORT,    /* an address or a domain: "smtp:[host]:port" */
	MAP_SENDER,       /* an address or "@domain": logins that may send as it, commas between */
	MAP_MESSAGE_SIZE, /* an address: bytes of the largest message that it takes */
	MAP_USED,         /* an address: bytes that its mailbox holds */
	MAP_DOMAIN_QUOTA, /* a domain: bytes that all its mailboxes may hold together */
	MAP_DOMAIN_USED,  /* a domain: bytes that they hold together */
	MAP_SENDER_RELAY, /* a sender or "@domain": the host that takes what he sends to others */
	MAP_SENDER_BCC,   /* a sender or "@domain": who gets a copy of what he sends, commas between */
	MAP_RECIPIENT_BCC, /* the same of what it is sent */
	MAP_COUNT,
	MAP_TOLD = MAP_COUNT, /* no table: what was told of mailboxes (usage.h), which the cache keeps over restarts */
};

enum fact_state {
	FACT_NONE,  /* the table has no such key */
	FACT_FOUND,
	FACT_LATER, /* the table could not be asked */
};

/* Longest key that is looked up and longest value that is taken. */
#define MAP_KEY_MOST   1024
#define MAP_VALUE_MOST 60000

#endif
