#include "authd/link.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define PAUSE_LEAST 250  /* ms */
#define PAUSE_MOST  5000 /* service must come back soon after the database does */
#define HOST_PAUSE  30000

static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
set_tls(MYSQL *m, const struct query_access *a)
{
	my_bool verify = a->tls_verify;
	bool wanted = verify || a->tls_ca_file[0] != '\0' || a->tls_ca_path[0] != '\0' || a->tls_cert_file[0] != '\0';
	if (!wanted)
		return;
	mysql_ssl_set(m, text_or_null(a->tls_key_file), text_or_null(a->tls_cert_file), text_or_null(a->tls_ca_file),
	    text_or_null(a->tls_ca_path), text_or_null(a->tls_ciphers));
	mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

static void
set_options(MYSQL *m, const struct link *l, const struct query_host *h)
{
	const struct query_access *a = l->access;
	unsigned seconds = (unsigned)l->timeout, local_files = 0;
	mysql_optionsv(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_optionsv(m, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_optionsv(m, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	/* A hostile server could ask for any file that we can read. */
	mysql_optionsv(m, MYSQL_OPT_LOCAL_INFILE, &local_files);
	mysql_optionsv(m, MYSQL_SET_CHARSET_NAME, a->charset[0] != '\0' ? a->charset : "utf8mb4");
	if (a->option_file[0] != '\0')
		mysql_optionsv(m, MYSQL_READ_DEFAULT_FILE, a->option_file);
	if (a->option_group[0] != '\0')
		mysql_optionsv(m, MYSQL_READ_DEFAULT_GROUP, a->option_group);
	unsigned protocol = MYSQL_PROTOCOL_TCP;
	if (h->internet)
		mysql_optionsv(m, MYSQL_OPT_PROTOCOL, &protocol);
	set_tls(m, a);
}

static bool
try_host(struct link *l, const struct query_host *h)
{
	const struct query_access *a = l->access;
	MYSQL *m = mysql_init(NULL);
	if (m == NULL)
		return false;
	set_options(m, l, h);
	if (mysql_real_connect(m, h->name, text_or_null(a->user), text_or_null(a->password), text_or_null(a->database),
	        h->port, h->socket, 0) != NULL) {
		l->mysql = m;
		return true;
	}
	log_error("database-unreachable", log_text("host", h->name != NULL ? h->name : h->socket), log_text("reason", mysql_error(m)),
	    log_text("hint", "lookups are answered with later until it is back"));
	mysql_close(m);
	return false;
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
		if (try_host(l, &l->access->hosts[i])) {
			l->host_not_before[i] = 0;
			return true;
		}
		l->host_not_before[i] = clock_ms() + HOST_PAUSE;
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
		l->generation++;
		if (again)
			log_info("database-back", log_text("host", mysql_get_host_info(l->mysql)));
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
	l->pause = PAUSE_LEAST;
	l->not_before = clock_ms() + l->pause;
}
