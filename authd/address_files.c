#include "authd/address_files.h"

#include <stddef.h>

static int64_t
take_secrets(void *context, struct slice text, struct str *problem)
{
	struct address_files *f = context;
	struct srs_secrets fresh;
	if (!srs_secrets_parse(&fresh, text, problem)) {
		srs_secrets_wipe(&fresh);
		return -1;
	}
	srs_secrets_wipe(&f->secrets);
	f->secrets = fresh;
	return (int64_t)fresh.count;
}

void
address_files_begin(struct address_files *f, const struct address_files_options *o)
{
	text_map_begin(&f->transports, "transports", o->transports, false);
	text_map_begin(&f->sender_relays, "sender_relay_hosts", o->sender_relay_hosts, false);
	text_map_begin(&f->sender_bccs, "sender_bcc", o->sender_bcc, false);
	text_map_begin(&f->recipient_bccs, "recipient_bcc", o->recipient_bcc, false);
	text_map_begin(&f->relay_passwords, "relay_passwords", o->relay_passwords, true);
	f->srs_domain = o->srs_domain;
	f->srs_file = (struct watched_file){.path = o->srs_secret, .setting = "srs_secret", .read = "srs-secret-read",
	    .unreadable = "srs-secret-unreadable", .until = "until it can be read, what is forwarded to other hosts waits",
	    .secret = true, .take = take_secrets, .context = f};
}

void
address_files_refresh(struct address_files *f)
{
	text_map_refresh(&f->transports);
	text_map_refresh(&f->sender_relays);
	text_map_refresh(&f->sender_bccs);
	text_map_refresh(&f->recipient_bccs);
	text_map_refresh(&f->relay_passwords);
	if (f->srs_domain[0] != '\0')
		watched_file_refresh(&f->srs_file);
}

const struct text_map *
address_files_map(const struct address_files *f, enum map map)
{
	switch (map) {
	case MAP_TRANSPORT:
		return &f->transports;
	case MAP_SENDER_RELAY:
		return &f->sender_relays;
	case MAP_SENDER_BCC:
		return &f->sender_bccs;
	case MAP_RECIPIENT_BCC:
		return &f->recipient_bccs;
	default:
		return NULL;
	}
}

void
address_files_paths(const struct address_files_options *o, const char *paths[ADDRESS_FILES_COUNT])
{
	const char *const all[ADDRESS_FILES_COUNT] = {
	    o->transports, o->sender_relay_hosts, o->sender_bcc, o->recipient_bcc, o->relay_passwords, o->srs_secret};
	for (size_t i = 0; i < ADDRESS_FILES_COUNT; i++)
		paths[i] = all[i];
}
