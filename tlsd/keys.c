#include "tlsd/keys.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/packet.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/authorities.h"
#include "tlsd/pair.h"

/* A child may have begun with the pair that a reload has replaced. */
#define GENERATIONS 2

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES,
	.memory = 128 << 20,
	.descriptors = 4096,
	.reaches = "the directories of certificate, private_key and client_ca, to read them again",
	.sockets = "none but socket pairs of its parent and siblings",
	.compromise = "the private keys",
};

static struct {
	const struct keys_settings *settings;
	struct pair                 pairs[GENERATIONS];
	uint64_t                    newest; /* id of a pair: pairs[id % GENERATIONS] */
	struct authorities          authorities;
	struct watch                control;
	struct packet               packet;
	unsigned char               signature[1024];
} keys;

struct channel {
	struct watch watch;
};

/* --- signing -------------------------------------------------------------------- */

static bool
hash_is_known(const char *hash)
{
	return hash != NULL && (strcmp(hash, "SHA256") == 0 || strcmp(hash, "SHA384") == 0 || strcmp(hash, "SHA512") == 0);
}

static bool
set_padding(EVP_PKEY_CTX *operation, const char *padding, bool rsa)
{
	if (padding == NULL || rsa == (strcmp(padding, "none") == 0))
		return false;
	if (strcmp(padding, "pss") != 0)
		return strcmp(padding, "pkcs1") == 0 || strcmp(padding, "none") == 0;
	return EVP_PKEY_CTX_set_rsa_padding(operation, RSA_PKCS1_PSS_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(operation, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static EVP_PKEY *
find_key(uint64_t id)
{
	if (id > keys.newest || id + GENERATIONS <= keys.newest)
		return NULL;
	return keys.pairs[id % GENERATIONS].key;
}

/* Signs into keys.signature; returns its length, 0 when it failed. */
static size_t
sign(EVP_PKEY *key, const char *hash, const char *padding, struct slice bytes)
{
	size_t len = sizeof keys.signature;
	EVP_PKEY_CTX *operation;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool ok = digest != NULL && EVP_DigestSignInit_ex(digest, &operation, hash, NULL, NULL, key, NULL) > 0 &&
	    set_padding(operation, padding, EVP_PKEY_is_a(key, "RSA")) &&
	    EVP_DigestSign(digest, keys.signature, &len, (const unsigned char *)bytes.data, bytes.len) > 0;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return ok ? len : 0;
}

/* The answer to one `sign`; false when it was not a request that a child of ours makes. */
static bool
answer_sign(struct packet *p)
{
	uint64_t id;
	if (strcmp(packet_verb(p), "sign") != 0 || !packet_field_number(p, UINT64_MAX, &id))
		return false;
	const char *hash = packet_field(p);
	const char *padding = packet_field(p);
	struct slice bytes = packet_rest(p);
	EVP_PKEY *key = find_key(id);
	if (key == NULL || !hash_is_known(hash) || padding == NULL || !keys_may_sign(bytes))
		return false;
	size_t len = sign(key, hash, padding, bytes);
	packet_begin(p, len > 0 ? "ok" : "no");
	packet_add_rest(p, slice_make((const char *)keys.signature, len));
	return true;
}

static void
channel_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &keys.packet);
	if (r == PACKET_WAIT)
		return;
	packet_close_descriptors(&keys.packet);
	if (r == PACKET_OK && answer_sign(&keys.packet))
		packet_send(w->fd, &keys.packet);
	else if (r != PACKET_END)
		log_warning("signature-refused", log_text("reason", "not what a handshake asks for"));
	loop_remove(w);
	close(w->fd);
	free(w);
}

static void
add_channel(int fd)
{
	struct channel *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
	if (c != NULL) {
		c->watch = (struct watch){.fd = fd, .ready = channel_ready};
		if (loop_add(&c->watch, EPOLLIN))
			return;
	}
	if (fd >= 0)
		close(fd);
	free(c);
}

/* --- the files and the acceptor ---------------------------------------------------- */

static bool
load(void)
{
	struct pair pair;
	struct authorities authorities;
	if (!pair_load(&pair, keys.settings->certificate, keys.settings->private_key))
		return false;
	if (!authorities_load(&authorities, keys.settings->client_ca)) {
		pair_free(&pair);
		return false;
	}
	authorities_free(&keys.authorities);
	keys.authorities = authorities;
	struct pair *place = &keys.pairs[++keys.newest % GENERATIONS];
	pair_free(place);
	*place = pair;
	return true;
}

static void
tell_authorities(void)
{
	size_t piece;
	for (size_t at = 0; at < keys.authorities.len; at += piece) {
		size_t left = keys.authorities.len - at;
		piece = left < PAIR_CHAIN_MOST ? left : PAIR_CHAIN_MOST;
		packet_begin(&keys.packet, "authorities");
		packet_add_rest(&keys.packet, slice_make(keys.authorities.pem + at, piece));
		packet_send_wait(keys.control.fd, &keys.packet, -1);
	}
}

static void
tell_certificate(void)
{
	const struct pair *pair = &keys.pairs[keys.newest % GENERATIONS];
	packet_begin(&keys.packet, "certificate");
	packet_add_number(&keys.packet, keys.newest);
	packet_add_rest(&keys.packet, slice_make(pair->chain, pair->chain_len));
	packet_send_wait(keys.control.fd, &keys.packet, -1);
}

static void
reload(void)
{
	if (load()) {
		tell_authorities();
		tell_certificate();
		return;
	}
	packet_begin(&keys.packet, "no");
	packet_send_wait(keys.control.fd, &keys.packet, -1);
}

static void
control_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &keys.packet);
	if (r == PACKET_WAIT)
		return;
	if (r == PACKET_END)
		_exit(EXIT_DONE); /* the acceptor has ended */
	if (r != PACKET_OK) /* no descriptor was free for the child's channel: its handshake fails, the next may not */
		log_error("channel-lost", log_text("hint", "too many handshakes at a time; lower tls_sessions"));
	else if (strcmp(packet_verb(&keys.packet), "child") == 0)
		add_channel(packet_take_descriptor(&keys.packet));
	else
		reload();
	packet_close_descriptors(&keys.packet);
}

/* --- confinement ------------------------------------------------------------------- */

struct places {
	char                names[6][PATH_MAX]; /* three files */
	struct sandbox_path paths[6];
	size_t              count;
};

static void
add_place(struct places *places, const char *file)
{
	char *name = places->names[places->count];
	snprintf(name, PATH_MAX, "%s", file);
	memmove(name, dirname(name), strlen(dirname(name)) + 1);
	places->paths[places->count++] = (struct sandbox_path){.path = name, .fd = -1};
}

/* The file's directory, and the one that holds it when the name is a symbolic link (certbot's live/). */
static void
add_file(struct places *places, const char *file)
{
	char whole[PATH_MAX];
	int len = snprintf(whole, sizeof whole, "%s%s%s", file[0] == '/' ? "" : settings_directory(),
	    file[0] == '/' ? "" : "/", file);
	if (len < 0 || (size_t)len >= sizeof whole)
		return;
	add_place(places, whole);
	char *real = realpath(whole, NULL);
	if (real != NULL)
		add_place(places, real);
	free(real);
}

static bool
confine(void)
{
	static struct places places;
	add_file(&places, keys.settings->certificate);
	add_file(&places, keys.settings->private_key);
	if (keys.settings->client_ca[0] != '\0')
		add_file(&places, keys.settings->client_ca);
	return sandbox_enter(&contract, places.paths, places.count);
}

_Noreturn void
keys_run(int control, const struct keys_settings *settings)
{
	keys.settings = settings;
	keys.control = (struct watch){.fd = control, .ready = control_ready};
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_IGN); /* the acceptor says when to reload */
	if (!load())
		_exit(EXIT_MISUSE);
	if (!loop_begin() || !loop_add(&keys.control, EPOLLIN)) {
		log_error("start-failed", log_errno());
		_exit(EXIT_TEMPORARY);
	}
	if (!confine())
		_exit(EXIT_TEMPORARY);
	tell_authorities();
	tell_certificate();
	loop_run();
	_exit(EXIT_DONE);
}
