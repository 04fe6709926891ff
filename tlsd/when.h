/* OpenSSL's times as seconds since 1970. */
#ifndef TLSD_WHEN_H
#define TLSD_WHEN_H

#include <stdint.h>

#include <openssl/asn1.h>

/* 0 for NULL and for what is not a time. */
int64_t when(const ASN1_TIME *time);

#endif
