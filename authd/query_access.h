/* How a query file says that its database is reached. */
#ifndef AUTHD_QUERY_ACCESS_H
#define AUTHD_QUERY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

#define QUERY_HOSTS_MOST 16

struct query_host {
	char    *name; /* NULL: a Unix socket */
	char    *socket; /* NULL: the library's default, when name is NULL too */
	unsigned port; /* 0: the default */
	bool     internet; /* TCP even to localhost */
};

/* Texts are "" when not given (NULL only before query_access_begin()). */
struct query_access {
	size_t            host_count;
	struct query_host hosts[QUERY_HOSTS_MOST];
	char             *user, *password, *database, *charset;
	char             *option_file, *option_group;
	char             *tls_key_file, *tls_cert_file, *tls_ca_file, *tls_ca_path, *tls_ciphers;
	bool              tls_verify; /* the certificate must be one of the CA's and name the host */
	unsigned long     flags;      /* of mysql_real_connect(), as Dovecot's client_flags */
};

/* All texts empty. False without memory; free it in both cases. */
bool query_access_begin(struct query_access *a);
/* Wipes the password. */
void query_access_free(struct query_access *a);

enum query_dialect { QUERY_POSTFIX, QUERY_DOVECOT };

/* Sets the text that a dialect calls `name`. False: it knows none such, or there is no memory (`*known`). */
bool query_access_set(struct query_access *a, enum query_dialect dialect, struct slice name, struct slice value, bool *known);
/* Appends a host as Postfix writes it: unix:/path, host, host:port, inet:host:port, [IPv6]:port. False: it is none, or one too many. */
bool query_access_add_host(struct query_access *a, struct slice word);
/* Appends a Unix socket. False: one too many, or no memory. */
bool query_access_add_socket(struct query_access *a, struct slice path);
/* Both lead to the same connection. */
bool query_access_equal(const struct query_access *a, const struct query_access *b);
/* Whether the connection must be encrypted: something was said of TLS. */
bool query_access_wants_tls(const struct query_access *a);

#endif
