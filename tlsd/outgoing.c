#include "tlsd/outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"
#include "lib/ipc/server.h"
#include "tlsd/children.h"
#include "tlsd/material.h"
#include "tlsd/reason.h"

#define CA_FILE_MOST  (8u << 20)
#define TAG_MOST      32
#define REMOTES_MOST  1000 /* connections that wait with their question */

static struct {
	SSL_CTX       *context;
	int            handshake_timeout; /* ms */
	struct service service;
} client = {.service = {.name = OUTGOING_SOCKET, .most = REMOTES_MOST}};

/* --- the start --------------------------------------------------------------------------- */

static bool
set_rules(SSL_CTX *context)
{
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(context,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	/* All in tls_ca_file are trusted, an issuing CA without the root above it too. */
	return X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    SSL_CTX_dane_enable(context) == 1;
}

/* How many there are; -1 for one that cannot be read. */
static int
trust_all(SSL_CTX *context, BIO *pem)
{
	int count = 0;
	X509 *authority;
	for (; (authority = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL; count++) {
		int added = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
		X509_free(authority);
		if (added != 1)
			return -1;
	}
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return at_end ? count : -1;
}

static bool
read_authorities(SSL_CTX *context, const char *file)
{
	size_t len;
	char *text = settings_read_file(file, CA_FILE_MOST, &len);
	if (text == NULL && errno == ENOENT && strcmp(file, OUTGOING_CA_FILE) == 0) {
		log_warning("no-authorities", log_text("file", file),
		    log_text("hint", "hosts that mail goes to cannot be verified; install ca-certificates, or set tls_ca_file"));
		return true;
	}
	BIO *pem = text != NULL ? BIO_new_mem_buf(text, (int)len) : NULL;
	int count = pem != NULL ? trust_all(context, pem) : 0;
	const char *reason = text == NULL ? strerror(errno) : count == 0 ? "it holds no certificate in PEM" : "it holds a certificate that cannot be read";
	if (count <= 0)
		log_error("ca-file-refused", log_text("file", file), log_text("reason", reason),
		    log_text("hint", "name a file of CA certificates in PEM in the setting tls_ca_file"));
	BIO_free(pem);
	free(text);
	return count > 0;
}

bool
outgoing_prepare(const char *ca_file)
{
	client.context = SSL_CTX_new(TLS_client_method());
	if (client.context == NULL || !set_rules(client.context)) {
		log_error("context-failed", log_text("step", "outgoing"), log_text("reason", reason_in_words()));
		return false;
	}
	return read_authorities(client.context, ca_file);
}

/* --- requests ------------------------------------------------------------------------------ */

static bool
read_policy(const char *word, enum outgoing_policy *policy)
{
	static const char *const words[] = {"may", "encrypt", "verify", "dane"};
	for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0) {
			*policy = (enum outgoing_policy)i;
			return true;
		}
	return false;
}

static bool
read_request(struct packet *p, struct outgoing *o)
{
	if (strcmp(packet_verb(p), "connect") != 0)
		return false;
	o->tag = packet_field(p);
	if (o->tag == NULL || strlen(o->tag) > TAG_MOST || !read_policy(packet_field(p), &o->policy))
		return false;
	o->names = packet_field(p);
	const char *tlsa;
	while ((tlsa = packet_field(p)) != NULL && o->tlsa_count < OUTGOING_TLSA_MOST)
		o->tlsa[o->tlsa_count++] = tlsa;
	o->peer = packet_take_descriptor(p);
	return o->names != NULL && tlsa == NULL && o->peer >= 0;
}

/* The child answers; the conversation ends for us in any case. */
static bool
request(struct connection *c, struct packet *p)
{
	struct outgoing o = {.peer = -1, .requester = c->watch.fd, .context = client.context, .inherited = material_inherited(),
	    .handshake_timeout = client.handshake_timeout};
	bool whole = read_request(p, &o);
	if (whole && children_fork(c, o.tag) == 0)
		outgoing_run(&o);
	if (o.peer >= 0)
		close(o.peer);
	if (whole)
		connection_close(c);
	return whole;
}

bool
outgoing_start(int listening, int handshake_timeout)
{
	client.handshake_timeout = handshake_timeout;
	client.service.request = request;
	peers_add(&client.service.peers, "postern-remote");
	return service_start_on(&client.service, listening);
}
