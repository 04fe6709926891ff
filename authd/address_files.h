/* The administrator's text files about addresses that authd reads beside its tables, and again when they change. */
#ifndef AUTHD_ADDRESS_FILES_H
#define AUTHD_ADDRESS_FILES_H

#include "authd/srs.h"
#include "authd/text_map.h"

/* Paths; "" for none. */
struct address_files_options {
	const char *transports, *sender_relay_hosts, *sender_bcc, *recipient_bcc, *relay_passwords, *srs_secret;
	const char *srs_domain; /* "": nothing is rewritten */
};

#define ADDRESS_FILES_COUNT 6

struct address_files {
	struct text_map     transports, sender_relays, sender_bccs, recipient_bccs, relay_passwords;
	struct watched_file srs_file;
	struct srs_secrets  secrets;
	const char         *srs_domain;
};

void address_files_begin(struct address_files *f, const struct address_files_options *o);
void address_files_refresh(struct address_files *f);
/* The file that stands beside the table of this map, or NULL. */
const struct text_map *address_files_map(const struct address_files *f, enum map map);
/* All paths, ADDRESS_FILES_COUNT of them. */
void address_files_paths(const struct address_files_options *o, const char *paths[ADDRESS_FILES_COUNT]);

#endif
