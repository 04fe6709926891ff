/*
 * The tables that authd asks, whatever holds them: the embedded users (cdb),
 * or the administrator's SQL. A fact is what one table says about one key.
 */
#ifndef AUTHD_MAPS_H
#define AUTHD_MAPS_H

enum map {
	MAP_DOMAIN,       /* a domain: any value means that its users are ours */
	MAP_MAILBOX,      /* an address: its Maildir */
	MAP_ALIAS,        /* an address or "@domain": targets, commas between */
	MAP_QUOTA,        /* an address: bytes */
	MAP_PASSWORD,     /* a login: its hash */
	MAP_RELAY_DOMAIN, /* a domain: any value means that we pass its mail on */
	MAP_TRANSPORT,    /* an address or a domain: "smtp:[host]:port" */
	MAP_COUNT,
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
