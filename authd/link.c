#include "authd/link.h"

#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define PAUSE_LEAST      250  /* ms */
#define PAUSE_MOST       5000 /* service must come back soon after the database does */
#define HOST_PAUSE_LEAST 2000
#define HOST_PAUSE_MOST  60000
#define RETURN_SECONDS   1

/* MySQL 8's word for a connection that it closed because it was idle; MariaDB's header does not have it. */
#define ER_CLIENT_INTERACTION_TIMEOUT 4031

/* What a server may ask us to authenticate with: nothing that sends the password in clear. */
#define AUTHENTICATION "mysql_native_password,caching_sha2_password,client_ed25519,sha256_password"

#define FLAG_LOCAL_FILES 128 /* CLIENT_LOCAL_FILES: a hostile server could ask for any file that we can read */
#define FLAG_STATEMENTS  (1ul << 16) /* CLIENT_MULTI_STATEMENTS */

bool
link_is_lost(unsigned error)
{
	static const unsigned lost[] = {CR_SERVER_GONE_ERROR, CR_SERVER_LOST, CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR, CR_COMMANDS_OUT_OF_SYNC,
	    ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED, ER_CLIENT_INTERACTION_TIMEOUT};
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		if (error == lost[i])
			return true;
	return false;
}

/* --- one host ------------------------------------------------------------------------- */

static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static bool
is_tcp(const struct query_host *h)
{
	return h->name != NULL && (h->internet || strcmp(h->name, "localhost") != 0);
}

/* Where something is said of TLS a connection over TCP has it, or is not made. */
static void
set_tls(MYSQL *m, const struct query_access *a, const struct query_host *h)
{
	my_bool verify = a->tls_verify && is_tcp(h), demand = is_tcp(h);
	if (!query_access_wants_tls(a))
		return;
	mysql_ssl_set(m, text_or_null(a->tls_key_file), text_or_null(a->tls_cert_file), text_or_null(a->tls_ca_file),
	    text_or_null(a->tls_ca_path), text_or_null(a->tls_ciphers));
	mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE, &demand);
}

static void
set_options(MYSQL *m, const struct link *l, const struct query_host *h, unsigned connect_seconds)
{
	const struct query_access *a = l->access;
	unsigned seconds = (unsigned)l->timeout, local_files = 0;
	mysql_optionsv(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
	mysql_optionsv(m, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_optionsv(m, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	mysql_optionsv(m, MYSQL_OPT_LOCAL_INFILE, &local_files);
	mysql_optionsv(m, MARIADB_OPT_RESTRICTED_AUTH, AUTHENTICATION);
	mysql_optionsv(m, MYSQL_SET_CHARSET_NAME, a->charset[0] != '\0' ? a->charset : "utf8mb4");
	if (a->option_file[0] != '\0')
		mysql_optionsv(m, MYSQL_READ_DEFAULT_FILE, a->option_file);
	if (a->option_group[0] != '\0')
		mysql_optionsv(m, MYSQL_READ_DEFAULT_GROUP, a->option_group);
	unsigned protocol = MYSQL_PROTOCOL_TCP;
	if (h->internet)
		mysql_optionsv(m, MYSQL_OPT_PROTOCOL, &protocol);
	set_tls(m, a, h);
}

/* What the administrator can do. */
static const char *
hint_for(unsigned error)
{
	switch (error) {
	case ER_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
		return "look at user, password and dbname in the query file, and at the user's grants; lookups are answered with later";
	case CR_AUTH_PLUGIN_CANNOT_LOAD:
		return "the database user's authentication plugin is not there for libmariadb: install it, or ALTER USER ... IDENTIFIED VIA "
		       "mysql_native_password; then restart postern-authd";
	case CR_SSL_CONNECTION_ERROR:
		return "look at the certificates that the query file names, and whether the server's names the host; lookups are answered with later";
	}
	return "lookups are answered with later until it is back";
}

static void
log_unreachable(const struct query_host *h, unsigned error, const char *reason)
{
	log_error("database-unreachable", log_text("host", h->name != NULL ? h->name : h->socket), log_text("reason", reason),
	    log_text("hint", hint_for(error)));
}

/* NULL: it could not be reached, which is logged unless `quiet`. */
static MYSQL *
try_host(const struct link *l, const struct query_host *h, unsigned connect_seconds, bool quiet)
{
	const struct query_access *a = l->access;
	MYSQL *m = mysql_init(NULL);
	if (m == NULL)
		return NULL;
	set_options(m, l, h, connect_seconds);
	const char *problem = NULL;
	if (mysql_real_connect(m, h->name, text_or_null(a->user), text_or_null(a->password), text_or_null(a->database), h->port, h->socket,
	        a->flags & ~(FLAG_LOCAL_FILES | FLAG_STATEMENTS)) == NULL)
		problem = mysql_error(m);
	else if (query_access_wants_tls(a) && is_tcp(h) && mysql_get_ssl_cipher(m) == NULL)
		problem = "the server offers no TLS, which the query file demands";
	if (problem == NULL)
		return m;
	if (!quiet)
		log_unreachable(h, mysql_errno(m), problem);
	mysql_close(m);
	return NULL;
}

/* --- several hosts ------------------------------------------------------------------------ */

static void
shun_host(struct link *l, size_t i)
{
	int64_t next = l->host_pause[i] * 2;
	l->host_pause[i] = next < HOST_PAUSE_LEAST ? HOST_PAUSE_LEAST : next < HOST_PAUSE_MOST ? next : HOST_PAUSE_MOST;
	l->host_not_before[i] = clock_ms() + l->host_pause[i];
}

static void
take_host(struct link *l, size_t i, MYSQL *m)
{
	l->mysql = m;
	l->host = i;
	l->generation++;
	l->host_not_before[i] = l->host_pause[i] = 0;
}

/* Tries the hosts that failed lately (`failed`), or the others, in order. */
static bool
try_hosts(struct link *l, bool failed, size_t *tried)
{
	int64_t now = clock_ms();
	for (size_t i = 0; i < l->access->host_count; i++) {
		if ((l->host_not_before[i] > now) != failed)
			continue;
		++*tried;
		MYSQL *m = try_host(l, &l->access->hosts[i], (unsigned)l->timeout, false);
		if (m != NULL) {
			take_host(l, i, m);
			return true;
		}
		shun_host(l, i);
	}
	return false;
}

/* A host that failed is left out for a while, unless all have. */
static bool
try_best_hosts(struct link *l)
{
	size_t tried = 0;
	return try_hosts(l, false, &tried) || (tried == 0 && try_hosts(l, true, &tried));
}

bool
link_connect(struct link *l)
{
	if (l->mysql != NULL)
		return true;
	if (clock_ms() < l->not_before)
		return false;
	bool again = l->pause > 0;
	if (try_best_hosts(l)) {
		l->pause = 0;
		if (again)
			log_info("database-back", log_text("host", mysql_get_host_info(l->mysql)));
		else if (l->host > 0)
			log_info("database-next-host", log_text("host", mysql_get_host_info(l->mysql)), log_text("reason", "those before it do not answer"));
		return true;
	}
	l->pause = l->pause == 0 ? PAUSE_LEAST : l->pause * 2 < PAUSE_MOST ? l->pause * 2 : PAUSE_MOST;
	l->not_before = clock_ms() + l->pause;
	return false;
}

void
link_close(struct link *l, bool failed)
{
	if (l->mysql != NULL)
		mysql_close(l->mysql);
	l->mysql = NULL;
	if (!failed)
		return;
	/* With other hosts there is nothing to wait for. */
	if (l->access->host_count > 1) {
		shun_host(l, l->host);
		return;
	}
	l->pause = PAUSE_LEAST;
	l->not_before = clock_ms() + l->pause;
}

bool
link_ping(struct link *l)
{
	int64_t began = clock_ms();
	bool fresh = l->mysql == NULL;
	if (!link_connect(l))
		return false;
	if (fresh || mysql_ping(l->mysql) == 0)
		return true;
	/* It may have died while idle. */
	bool quick = clock_ms() - began < 1000;
	link_close(l, !quick);
	return quick && link_connect(l);
}

void
link_return(struct link *l)
{
	for (size_t i = 0; l->mysql != NULL && i < l->host; i++) {
		if (clock_ms() < l->host_not_before[i])
			continue;
		MYSQL *m = try_host(l, &l->access->hosts[i], RETURN_SECONDS, true);
		if (m == NULL) {
			shun_host(l, i);
			return;
		}
		link_close(l, false);
		take_host(l, i, m);
		log_info("database-back", log_text("host", mysql_get_host_info(m)), log_text("reason", "it stands before the one that served meanwhile"));
	}
}
