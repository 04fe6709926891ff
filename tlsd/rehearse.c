/* The rehearsal of context.h: handshakes in memory before the first client comes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/base/log.h"
#include "tlsd/context.h"
#include "tlsd/names.h"
#include "tlsd/reason.h"
#include "tlsd/signer.h"
#include "tlsd/tickets.h"

#define KEY_PATIENCE 10000 /* ms */
#define MOST_TURNS   20    /* a handshake takes four */

/* What clients of our day choose. */
static const struct way {
	int         version;
	const char *group;
	const char *cipher;
} ways[] = {
    {TLS1_3_VERSION, "X25519:P-256", "TLS_AES_256_GCM_SHA384"},
    {TLS1_3_VERSION, "P-256", "TLS_AES_128_GCM_SHA256"},
    {TLS1_3_VERSION, "X25519", "TLS_CHACHA20_POLY1305_SHA256"},
    {TLS1_2_VERSION, "X25519:P-256", "ECDHE+AESGCM"},
};

static SSL_CTX *
make_client(const struct way *way)
{
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	if (client == NULL)
		return NULL;
	bool ok = SSL_CTX_set_min_proto_version(client, way->version) && SSL_CTX_set_max_proto_version(client, way->version) &&
	    SSL_CTX_set1_groups_list(client, way->group);
	ok = ok && (way->version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(client, way->cipher)
	                                           : SSL_CTX_set_cipher_list(client, way->cipher));
	if (ok)
		return client;
	SSL_CTX_free(client);
	return NULL;
}

static bool
join(SSL *client, SSL *server, const char *name)
{
	BIO *a, *b;
	if (BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		return false;
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	return SSL_set_tlsext_host_name(client, name) == 1;
}

/* A handshake, a byte each way, and the end of TLS. */
static bool
play(SSL *client, SSL *server)
{
	bool done = false;
	for (int turn = 0; turn < MOST_TURNS && !done; turn++) {
		int c = SSL_do_handshake(client);
		int s = SSL_do_handshake(server);
		done = c == 1 && s == 1;
	}
	char byte = 'x';
	done = done && SSL_write(client, &byte, 1) == 1 && SSL_read(server, &byte, 1) == 1 &&
	    SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1;
	if (done) {
		SSL_shutdown(client);
		SSL_read(server, &byte, 1);
		SSL_shutdown(server);
	}
	return done;
}

/* One handshake; with `*session` as one that resumes it, which is then taken from it. */
static bool
meet(SSL_CTX *client_context, SSL_CTX *server_context, const char *name, SSL_SESSION **session)
{
	SSL *client = SSL_new(client_context);
	SSL *server = SSL_new(server_context);
	bool ok = client != NULL && server != NULL && join(client, server, name);
	if (ok && *session != NULL)
		SSL_set_session(client, *session);
	ok = ok && play(client, server);
	SSL_SESSION_free(*session);
	*session = ok ? SSL_get1_session(client) : NULL;
	SSL_free(client);
	SSL_free(server);
	return ok;
}

static bool
rehearse_way(const struct way *way, SSL_CTX *server, const char *name, int channel)
{
	SSL_CTX *client = make_client(way);
	SSL_SESSION *session = NULL;
	signer_use_channel(channel, KEY_PATIENCE);
	bool ok = client != NULL && channel >= 0 && meet(client, server, name, &session) &&
	    (tickets_lifetime == 0 || meet(client, server, name, &session));
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	signer_use_channel(-1, 0);
	return ok;
}

static bool
rehearse(const struct way *way, SSL_CTX *server, const char *name, int (*open_channel)(void))
{
	int channel = open_channel();
	bool ok = rehearse_way(way, server, name, channel);
	if (channel >= 0)
		close(channel);
	if (!ok)
		log_error("rehearsal-failed", log_text("cipher", way->cipher), log_text("name", name),
		    log_text("reason", reason_in_words()),
		    log_text("hint", "the certificate does not serve TLS; try openssl s_server with it"));
	return ok;
}

/* A name that only certificates of that kind of key bear; "" when there is none. */
static void
find_name(const struct shelf *shelf, enum shelf_kind kind, char *name, size_t room)
{
	name[0] = '\0';
	for (size_t i = 0; i < shelf_count(shelf); i++) {
		const struct certificate *c = shelf_get(shelf, i);
		struct slice rest = slice_of(c->names), first;
		if (c->kind != kind || !slice_split(&rest, ' ', &first))
			continue;
		snprintf(name, room, "%.*s", (int)first.len, first.data);
		if (name[0] == '*')
			name[0] = 'x';
		if (shelf_find(shelf, name).of[!kind] == NULL)
			return;
	}
	name[0] = '\0';
}

bool
context_rehearse(SSL_CTX *server, const struct shelf *shelf, int (*open_channel)(void))
{
	char name[NAME_MOST + 1];
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (!rehearse(&ways[i], server, "rehearsal.invalid", open_channel))
			return false;
	for (enum shelf_kind kind = 0; kind < SHELF_KINDS; kind++) {
		find_name(shelf, kind, name, sizeof name);
		if (name[0] != '\0' && !rehearse(&ways[1], server, name, open_channel))
			return false;
	}
	ERR_clear_error();
	return true;
}
