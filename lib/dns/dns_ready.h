/*
 * Questions to the resolver for a program that may open no socket when it
 * asks: the sockets (UDP) are made and connected before its confinement, and
 * then only sent on, received from and waited for. There is no TCP: of an answer
 * that is cut, what is there must do. /etc/hosts is not looked at.
 */
#ifndef DNS_DNS_READY_H
#define DNS_DNS_READY_H

#include "lib/dns/dns.h"

struct dns_ready {
	size_t count; /* 0: nobody can be asked */
	int    sockets[DNS_SERVERS_MOST];
};

/*
 * Reads the setting or /etc/resolv.conf as dns_begin() does, and connects a
 * socket to each server; one that cannot be reached is left out. False, logged,
 * when the setting is wrong.
 */
bool dns_ready_open(struct dns_ready *r, const char *resolver);

/* Where mail for a domain would go (RFC 5321 section 5.1). */
enum dns_mail {
	DNS_MAIL_SOMEWHERE, /* it has a mail exchanger, or an address */
	DNS_MAIL_NOWHERE,   /* neither, or the name does not exist */
	DNS_MAIL_NEVER,     /* it says itself that it takes none: a null MX (RFC 7505) */
	DNS_MAIL_UNKNOWN,   /* no answer: says nothing about the name */
};

/* Waits at most `patience` milliseconds, over all servers and types. The addresses of mail exchangers are not looked up. */
enum dns_mail dns_ready_mail(const struct dns_ready *r, const char *domain, int patience);

#endif
