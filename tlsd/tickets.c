#include "tlsd/tickets.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/ipc/loop.h"

#define NAME_SIZE 16

/* AES-256-CBC and HMAC-SHA-256, as RFC 5077 section 4 has it. */
struct ticket_key {
	unsigned char name[NAME_SIZE];
	unsigned char cipher[32];
	unsigned char mac[32];
	bool          usable;
};

uint64_t tickets_lifetime;

static struct {
	struct ticket_key newest, before; /* `before` opens tickets and makes none */
	struct timer      timer;
} tickets;

static void
make(struct ticket_key *key)
{
	random_bytes(key->name, sizeof key->name);
	random_bytes(key->cipher, sizeof key->cipher);
	random_bytes(key->mac, sizeof key->mac);
	key->usable = true;
}

void
tickets_begin(void)
{
	make(&tickets.newest);
}

/* One lifetime later no session of the key that was `before` is young enough. */
static void
rotate(struct timer *t)
{
	tickets.before = tickets.newest;
	make(&tickets.newest);
	log_info("ticket-key-renewed");
	timer_set(t, (int64_t)tickets_lifetime * 1000);
}

bool
tickets_watch(void)
{
	tickets.timer.fire = rotate;
	return tickets_lifetime == 0 || timer_set(&tickets.timer, (int64_t)tickets_lifetime * 1000);
}

void
tickets_forget(void)
{
	OPENSSL_cleanse(&tickets.newest, sizeof tickets.newest);
	OPENSSL_cleanse(&tickets.before, sizeof tickets.before);
}

/* --- for OpenSSL ------------------------------------------------------------------------- */

static bool
begin_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int
seal(struct ticket_key *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	if (!key->usable || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
		return 0; /* no ticket */
	memcpy(name, key->name, NAME_SIZE);
	return EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) == 1 && begin_mac(mac, key) ? 1 : -1;
}

static struct ticket_key *
find(const unsigned char *name)
{
	if (tickets.newest.usable && CRYPTO_memcmp(name, tickets.newest.name, NAME_SIZE) == 0)
		return &tickets.newest;
	if (tickets.before.usable && CRYPTO_memcmp(name, tickets.before.name, NAME_SIZE) == 0)
		return &tickets.before;
	return NULL;
}

/* 0: a full handshake; 2: the client gets a ticket of the newest key. */
static int
open_ticket(const unsigned char *name, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct ticket_key *key = find(name);
	if (key == NULL)
		return 0;
	if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) != 1 || !begin_mac(mac, key))
		return -1;
	return key == &tickets.newest ? 1 : 2;
}

static int
ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int making)
{
	(void)ssl;
	return making ? seal(&tickets.newest, name, iv, cipher, mac) : open_ticket(name, iv, cipher, mac);
}

bool
tickets_use(SSL_CTX *context)
{
	if (tickets_lifetime == 0) {
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(context, 0) == 1;
	}
	SSL_CTX_set_timeout(context, (long)tickets_lifetime);
	return SSL_CTX_set_num_tickets(context, 1) == 1 && SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket) == 1;
}
