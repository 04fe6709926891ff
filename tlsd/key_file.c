#include "tlsd/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/file.h"

#define KEY_FILE_MOST 65536
#define GROUPS_MOST   64
#define RSA_LEAST     2048
#define RSA_LARGEST   8192 /* its signature must fit the key process's answer */

#define REMAKE "openssl ecparam -genkey -name prime256v1 makes an EC key; have a certificate issued for it"

/* Asked for once: the first keys are read before this process is confined, the later ones when it may not ask any more. */
static struct {
	bool  known;
	uid_t user;
	gid_t groups[GROUPS_MOST + 1];
	int   count;
} self;

static void
know_self(void)
{
	if (self.known)
		return;
	int count = getgroups(GROUPS_MOST, self.groups);
	self.count = count > 0 ? count : 0;
	self.groups[self.count++] = getegid();
	self.user = geteuid();
	self.known = true;
}

static bool
is_our_group(gid_t group)
{
	for (int i = 0; i < self.count; i++)
		if (self.groups[i] == group)
			return true;
	return group == 0;
}

static const char *
judge_owner(const struct stat *about, const char **hint)
{
	*hint = "chmod 600 (or 640) the file; if it was readable, make a new key";
	if (about->st_mode & (S_IRWXO | S_IWGRP))
		return "others than its owner may read or change it";
	*hint = "chgrp postern-tlsd the file, or chmod 600";
	if ((about->st_mode & S_IRGRP) && !is_our_group(about->st_gid))
		return "a group that is not postern-tlsd's may read it";
	*hint = "chown postern-tlsd the file";
	if (about->st_uid != 0 && about->st_uid != self.user)
		return "it belongs to another user";
	return NULL;
}

/* A key in a file with a passphrase: nobody is there to type it. */
static int
no_passphrase(char *into, int room, int writing, void *context)
{
	(void)into, (void)room, (void)writing, (void)context;
	return -1;
}

static EVP_PKEY *
parse(const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

/* The curves that TLS signs with (RFC 8446 section 4.2.3). */
static const char *
curve_of(EVP_PKEY *key)
{
	static const char *const known[][2] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
	char name[80];
	if (EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1)
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strcmp(name, known[i][0]) == 0)
				return known[i][1];
	return NULL;
}

static const char *
judge_kind(EVP_PKEY *key, char *kind, size_t room, const char **hint)
{
	*hint = REMAKE;
	if (EVP_PKEY_is_a(key, "RSA")) {
		int bits = EVP_PKEY_get_bits(key);
		snprintf(kind, room, "RSA-%d", bits);
		return bits >= RSA_LEAST && bits <= RSA_LARGEST ? NULL : "an RSA key must have 2048 to 8192 bits";
	}
	if (!EVP_PKEY_is_a(key, "EC"))
		return "the key is neither RSA nor EC";
	const char *curve = curve_of(key);
	snprintf(kind, room, "EC-%s", curve != NULL ? curve : "?");
	return curve != NULL ? NULL : "the key's curve is not P-256, P-384 or P-521";
}

static const char *
read_key(const char *file, EVP_PKEY **key, const char **hint)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, file, KEY_FILE_MOST, &len);
	*hint = "let postern-tlsd read it: chown postern-tlsd, mode 600; "
	        "restart it if the directory is one that it did not know at its start";
	if (text == NULL)
		return strerror(errno);
	bool locked = strstr(text, "ENCRYPTED") != NULL;
	*key = parse(text, len);
	OPENSSL_cleanse(text, len);
	free(text);
	*hint = "openssl pkey -in OLD -out NEW takes a passphrase away";
	if (*key == NULL && locked)
		return "it is locked by a passphrase; it must be a private key in PEM without a passphrase";
	return *key != NULL ? NULL : "it holds no private key in PEM without a passphrase";
}

const char *
key_file_load(const char *file, EVP_PKEY **key, char *kind, size_t room, const char **hint)
{
	struct stat about;
	*hint = "write the private key there in PEM, owned by postern-tlsd, mode 600";
	if (stat(file, &about) < 0)
		return strerror(errno);
	know_self();
	const char *fault = judge_owner(&about, hint);
	if (fault == NULL)
		fault = read_key(file, key, hint);
	if (fault == NULL)
		fault = judge_kind(*key, kind, room, hint);
	if (fault == NULL)
		return NULL;
	EVP_PKEY_free(*key);
	*key = NULL;
	return fault;
}
