/*
 * The key process: the only one that holds private keys. It signs what the
 * handshake of a TLS server signs and nothing else, one signature per child,
 * and looks whether the files have changed.
 *
 * Packets. On the control socket, from the acceptor and its children:
 *
 *     child + descriptor     a child's channel
 *
 * On the child's channel: `sign ID HASH PADDING` with the bytes to sign behind;
 * `ok` with the signature behind, or `no WHY`. Then the channel is closed.
 *
 * On the news socket, from the key process: all that sessions are made with,
 *
 *     profile NAME
 *     authorities            a piece of client_ca's PEM behind; as often as it takes
 *     certificate ID FILE KIND ENDS   the chain in DER behind; the first is the default
 *     names                  behind: those of the certificate before, with spaces between
 *     response ENDS          behind: the OCSP response to the certificate before, in DER
 *     end UNFIT              UNFIT: how many files were refused in this look (what was before them goes on)
 *
 * and from the acceptor: `reload` (read settings and files again, and say
 * everything anew) and, after each `end`, `taken yes` or `taken no`. Until then
 * the key process says nothing new, so that neither waits for the other.
 */
#ifndef TLSD_KEYS_H
#define TLSD_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "lib/base/settings.h"
#include "lib/base/slice.h"
#include "lib/ipc/packet.h"

struct keys_settings {
	const char *certificate;
	const char *private_key;
	const char *certificates; /* "": none but the default */
	const char *client_ca;    /* "": none */
	const char *profile;
	uint64_t    interval;     /* seconds between two looks */
};

extern struct keys_settings keys_settings;

/* The rows of the program's table that a reload reads again. */
#define KEYS_SETTINGS                                                                                          \
	{"certificate", SETTING_TEXT, "tls/certificate.pem", "PEM file: the server's certificate, then its chain",     \
	    &keys_settings.certificate, 0, 0},                                                                     \
	{"private_key", SETTING_TEXT, "tls/key.pem", "PEM file: the private key, readable by postern-tlsd alone",      \
	    &keys_settings.private_key, 0, 0},                                                                     \
	{"certificates", SETTING_TEXT, "", "directory of more pairs, a directory each, chosen by the name that a client asks for", \
	    &keys_settings.certificates, 0, 0},                                                                    \
	{"client_ca", SETTING_TEXT, "", "PEM file: CAs whose certificates name a client; empty: none is asked for",    \
	    &keys_settings.client_ca, 0, 0},                                                                       \
	{"tls_profile", SETTING_TEXT, "modern", "which clients are served: modern, intermediate or old",               \
	    &keys_settings.profile, 0, 0},                                                                         \
	{"certificate_interval", SETTING_SECONDS, "10s", "how often it looks whether the files have changed",          \
	    &keys_settings.interval, 1, 86400}

/* Loads the pairs, confines itself, serves until `control` ends. Ends the process with an exit code. */
_Noreturn void keys_run(int control, int news);

/* keys_sign.c: takes a child's channel, which is closed after one signature. */
void keys_add_channel(int fd);
/* Whether old hashes (profile.h) may be signed. */
void keys_allow_old_hashes(bool allow);

/*
 * Whether these are the bytes that a TLS server signs: the CertificateVerify
 * of TLS 1.3 (RFC 8446 section 4.4.3) or the ECDHE parameters of TLS 1.2 and
 * before (RFC 8422 section 5.4). A child that was taken over can have nothing else signed.
 */
bool keys_may_sign(struct slice bytes);

#endif
