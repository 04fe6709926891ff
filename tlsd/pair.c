#include "tlsd/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/settings.h"

#define KEY_FILE_MOST 65536
#define EXPIRY_NOTICE (14 * 24 * 3600)

static bool
refuse(const char *file, const char *reason, const char *hint)
{
	log_error("certificate-refused", log_text("file", file), log_text("reason", reason), log_text("hint", hint));
	ERR_clear_error();
	return false;
}

/* The mode of a file named as settings_read_file() takes it; false with errno. */
static bool
file_mode(const char *name, mode_t *mode)
{
	int directory = AT_FDCWD;
	if (name[0] != '/')
		directory = open(settings_directory(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat about;
	bool ok = (directory >= 0 || directory == AT_FDCWD) && fstatat(directory, name, &about, 0) == 0;
	int saved = errno;
	if (directory >= 0)
		close(directory);
	errno = saved;
	if (ok)
		*mode = about.st_mode;
	return ok;
}

/* A key in a file with a passphrase: nobody is there to type it. */
static int
no_passphrase(char *into, int room, int writing, void *context)
{
	(void)into, (void)room, (void)writing, (void)context;
	return -1;
}

static EVP_PKEY *
parse_key(const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	return key;
}

static bool
load_key(struct pair *pair, const char *file)
{
	mode_t mode;
	if (!file_mode(file, &mode))
		return refuse(file, strerror(errno),
		    "write the private key there in PEM, owned by postern-tlsd, mode 600");
	if (mode & (S_IRWXO | S_IWGRP))
		return refuse(file, "others than its owner may read or change it",
		    "chmod 600 (or 640) the file; if it was readable, make a new key");
	size_t len;
	char *text = settings_read_file(file, KEY_FILE_MOST, &len);
	if (text == NULL)
		return refuse(file, strerror(errno), "let postern-tlsd read it: chown postern-tlsd, mode 600");
	pair->key = parse_key(text, len);
	OPENSSL_cleanse(text, len);
	free(text);
	if (pair->key == NULL)
		return refuse(file, "it holds no private key in PEM without a passphrase",
		    "openssl pkey -in OLD -out NEW takes a passphrase away");
	if (!EVP_PKEY_is_a(pair->key, "RSA") && !EVP_PKEY_is_a(pair->key, "EC"))
		return refuse(file, "the key is neither RSA nor EC",
		    "openssl ecparam -genkey -name prime256v1 makes an EC key");
	return true;
}

static void
note_expiry(const char *file, const X509 *leaf)
{
	time_t soon = (time_t)clock_unix() + EXPIRY_NOTICE;
	const ASN1_TIME *end = X509_get0_notAfter(leaf);
	if (X509_cmp_time(end, &soon) > 0)
		return;
	bool over = X509_cmp_current_time(end) < 0;
	log_warning("certificate-expires", log_text("file", file),
	    log_text("reason", over ? "it has expired" : "it expires within 14 days"),
	    log_text("hint", "renew it, then SIGHUP to postern-tlsd"));
}

static bool
load_chain(struct pair *pair, const char *file, const char *key_file)
{
	pair->chain = settings_read_file(file, PAIR_CHAIN_MOST, &pair->chain_len);
	if (pair->chain == NULL)
		return refuse(file, strerror(errno), "write the certificate and its chain there in PEM");
	BIO *bio = BIO_new_mem_buf(pair->chain, (int)pair->chain_len);
	X509 *leaf = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (leaf == NULL)
		return refuse(file, "it holds no certificate in PEM", "write the certificate first, then its chain");
	bool fits = X509_check_private_key(leaf, pair->key) == 1;
	if (fits)
		note_expiry(file, leaf);
	X509_free(leaf);
	if (!fits)
		return refuse(key_file, "the key does not belong to the first certificate of the chain",
		    "the server's own certificate comes first; check that the files are of one renewal");
	return true;
}

bool
pair_load(struct pair *pair, const char *certificate, const char *private_key)
{
	*pair = (struct pair){.key = NULL};
	if (load_key(pair, private_key) && load_chain(pair, certificate, private_key))
		return true;
	pair_free(pair);
	return false;
}

void
pair_free(struct pair *pair)
{
	EVP_PKEY_free(pair->key);
	free(pair->chain);
	*pair = (struct pair){.key = NULL};
}
