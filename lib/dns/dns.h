/*
 * A small resolver client: MX, A, AAAA, CNAME, TLSA and TXT, over UDP, over TCP when the answer
 * is cut. A name in UTF-8 is asked for by its A-labels (lib/mail/idna.h); names in answers are ASCII. Our own, because the libraries' cannot ask a server at another port,
 * open files and load modules while confined, and wait as long as they like.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/slice.h"

#define DNS_NAME_MOST    255
#define DNS_RECORDS_MOST 32
#define DNS_SERVERS_MOST 3

union dns_address {
	struct sockaddr     any;
	struct sockaddr_in  four;
	struct sockaddr_in6 six;
};

struct dns {
	size_t            count;
	union dns_address servers[DNS_SERVERS_MOST];
	bool              trusted; /* its word that an answer is authentic (AD) is believed: DNSSEC is its work */
	int               wait;    /* ms for the first answer, doubled each round; 0: 3 seconds */
	int               rounds;  /* times that each server is asked; 0: 3 */
	int               families[2]; /* AF_INET6, AF_INET in the order in which addresses are given; both 0: these two */
};

enum dns_result {
	DNS_FOUND,
	DNS_NO_NAME, /* the name does not exist */
	DNS_NO_DATA, /* it exists, without records of that type */
	DNS_TROUBLE, /* no answer, or the server's trouble: says nothing about the name */
};

struct dns_mx {
	uint16_t preference;
	char     host[DNS_NAME_MOST + 1]; /* lower case, "" for the root: a null MX (RFC 7505) */
};

/* Reads the setting "address:port" (or "address"; several, white space between), or the system's /etc/resolv.conf when it is empty. False, logged. */
bool dns_begin(struct dns *d, const char *resolver);
/* Reads "any", or one or both of "ipv6" and "ipv4", the first one first. False: another word. */
bool dns_set_families(struct dns *d, struct slice words);
/* False: the families leave this one out. */
bool dns_has_family(const struct dns *d, int family);

/* At most DNS_RECORDS_MOST records each. */
enum dns_result dns_find_mx(const struct dns *d, const char *name, struct dns_mx *records, size_t *count);
/*
 * Addresses by /etc/hosts, or AAAA and A, with the port filled in, of the families that are wanted and in their order; of the first one at
 * most half of the room, so that it never drives out the other. An address as text is itself, if its family is wanted.
 */
enum dns_result dns_find_addresses(const struct dns *d, const char *name, uint16_t port, union dns_address *addresses, size_t *count);

/* The name that `name` is an alias of (CNAME), one step. DNS_NO_DATA: it is none. */
enum dns_result dns_find_alias(const struct dns *d, const char *name, char target[DNS_NAME_MOST + 1]);

#define DNS_TLSA_MOST 4096 /* bytes of a record's data that we take: a certificate may be that long, longer ones are left out */

struct dns_tlsa {
	uint8_t       usage, selector, matching;
	size_t        len;
	unsigned char data[DNS_TLSA_MOST];
};

/* The records of a name such as "_25._tcp.mx.example.org" (RFC 6698). */
enum dns_result dns_find_tlsa(const struct dns *d, const char *name, struct dns_tlsa *records, size_t *count);

#define DNS_TXT_MOST 512 /* bytes of a record that we take; longer ones are left out */

struct dns_txt {
	size_t len;
	char   text[DNS_TXT_MOST]; /* its strings, one behind the other, any bytes */
};

enum dns_result dns_find_txt(const struct dns *d, const char *name, struct dns_txt *records, size_t *count);

/*
 * Whether all answers that the last dns_find_...() rests on were authentic, by
 * the word of a trusted resolver (RFC 6840 section 5.7). Never of /etc/hosts;
 * says nothing after DNS_TROUBLE.
 */
bool dns_was_authentic(void);

socklen_t dns_address_len(const union dns_address *a);
/* "192.0.2.1" or "2001:db8::1" into `text`. */
void dns_address_print(const union dns_address *a, char text[INET6_ADDRSTRLEN]);
bool dns_address_parse(struct slice text, uint16_t port, union dns_address *a);

/* --- messages (dns_message.c), for the tests too ---------------------------------- */

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_MX = 15, DNS_TYPE_TXT = 16, DNS_TYPE_AAAA = 28, DNS_TYPE_TLSA = 52 };

#define DNS_QUERY_MOST (12 + 256 + 4)

/* The bytes of a query, or 0 when the name is none. One in UTF-8 is asked for as DNS has it. */
size_t dns_build_query(unsigned char query[DNS_QUERY_MOST], uint16_t id, const char *name, enum dns_type type);
/* The answer belongs to the query: id, question, it is an answer. */
bool dns_is_answer(struct slice query, struct slice answer);
/* It was cut: ask by TCP. */
bool dns_is_cut(struct slice answer);
/* The resolver says that it has authenticated all of it. */
bool dns_is_authentic(struct slice answer);
/* A record's data; false when it is malformed or longer than we take. */
bool dns_read_tlsa(struct slice data, struct dns_tlsa *record);
bool dns_read_txt(struct slice data, struct dns_txt *record);

struct dns_record {
	struct slice data;   /* within the answer */
	size_t       offset; /* of data */
};

/*
 * Reads the records of the type that belong to the name of the question, or to what it is an alias of (CNAME) within this
 * answer; others are nobody's business here and passed over. DNS_TROUBLE for a malformed answer or an error of the server.
 */
enum dns_result dns_read_answer(struct slice answer, enum dns_type type, struct dns_record *records, size_t *count);
/* Reads a name at `*offset`, in lower case, and moves behind it. False when malformed or too long. */
bool dns_read_name(struct slice message, size_t *offset, char name[DNS_NAME_MOST + 1]);

#endif
