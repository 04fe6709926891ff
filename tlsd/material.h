/*
 * What sessions are made with, in the acceptor: the key process, and the
 * certificates and rules that it has read (keys.h), as OpenSSL takes them.
 */
#ifndef TLSD_MATERIAL_H
#define TLSD_MATERIAL_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tlsd/shelf.h"

/* Forks the key process, before any key is read, and waits for the first files. Ends the program when they are not fit. */
void material_start(void);
/* Takes later ones on the loop. False with errno. */
bool material_watch(void);
/* The handler of SIGHUP: have the key process read settings and files again. */
void material_reload(int signal_number);

/* For a child: the rules, and the socket on which it announces a channel to the key process. */
SSL_CTX            *material_context(void);
const struct shelf *material_shelf(void);
int                 material_control(void);
/* Bytes of the acceptor's memory that a child has for the certificates' sake, beyond what its contract counts on. */
size_t              material_inherited(void);

#endif
