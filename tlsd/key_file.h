/* A private key in its file. */
#ifndef TLSD_KEY_FILE_H
#define TLSD_KEY_FILE_H

#include <stddef.h>

#include <openssl/evp.h>

/*
 * Reads a key in PEM. The file must belong to us or root, and nobody else may
 * read or write it: its group may read it when we are of that group, or it is
 * root's. Sets `key` and `kind` ("RSA-2048", "EC-P-256") and returns NULL; or
 * returns what is wrong, valid until the next call, and sets `hint`.
 */
const char *key_file_load(const char *file, EVP_PKEY **key, char *kind, size_t room, const char **hint);

#endif
