#include "authd/query_access.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"

/* MySQL's CLIENT_SSL, among client_flags. */
#define FLAG_TLS 2048

static const struct {
	const char *names[2]; /* Postfix's, Dovecot's; NULL: there is none */
	size_t      place;    /* a char * in struct query_access */
} texts[] = {
    {{"user", "user"}, offsetof(struct query_access, user)},
    {{"password", "password"}, offsetof(struct query_access, password)},
    {{"dbname", "dbname"}, offsetof(struct query_access, database)},
    {{"charset", NULL}, offsetof(struct query_access, charset)},
    {{"option_file", "option_file"}, offsetof(struct query_access, option_file)},
    {{"option_group", "option_group"}, offsetof(struct query_access, option_group)},
    {{"tls_key_file", "ssl_key"}, offsetof(struct query_access, tls_key_file)},
    {{"tls_cert_file", "ssl_cert"}, offsetof(struct query_access, tls_cert_file)},
    {{"tls_CAfile", "ssl_ca"}, offsetof(struct query_access, tls_ca_file)},
    {{"tls_CApath", "ssl_ca_path"}, offsetof(struct query_access, tls_ca_path)},
    {{"tls_ciphers", "ssl_cipher"}, offsetof(struct query_access, tls_ciphers)},
};
#define TEXTS (sizeof texts / sizeof *texts)

static char **
text_of(const struct query_access *a, size_t i)
{
	return (char **)((uintptr_t)a + texts[i].place);
}

bool
query_access_begin(struct query_access *a)
{
	*a = (struct query_access){.host_count = 0};
	bool ok = true;
	for (size_t i = 0; i < TEXTS; i++)
		ok = (*text_of(a, i) = strdup("")) != NULL && ok;
	return ok;
}

static void
free_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
query_access_free(struct query_access *a)
{
	for (size_t i = 0; i < a->host_count; i++) {
		free(a->hosts[i].name);
		free(a->hosts[i].socket);
	}
	for (size_t i = 0; i < TEXTS; i++)
		free_text(*text_of(a, i));
	*a = (struct query_access){.host_count = 0};
}

bool
query_access_set(struct query_access *a, enum query_dialect dialect, struct slice name, struct slice value, bool *known)
{
	*known = false;
	for (size_t i = 0; i < TEXTS; i++) {
		const char *own = texts[i].names[dialect];
		if (own == NULL || !slice_is(name, own))
			continue;
		*known = true;
		char *copy = strndup(value.data, value.len);
		if (copy == NULL)
			return false;
		free_text(*text_of(a, i));
		*text_of(a, i) = copy;
		return true;
	}
	return false;
}

static struct query_host *
new_host(struct query_access *a)
{
	if (a->host_count == QUERY_HOSTS_MOST)
		return NULL;
	struct query_host *h = &a->hosts[a->host_count++];
	*h = (struct query_host){.name = NULL};
	return h;
}

bool
query_access_add_socket(struct query_access *a, struct slice path)
{
	struct query_host *h = new_host(a);
	if (h == NULL)
		return false;
	h->socket = strndup(path.data, path.len);
	return h->socket != NULL;
}

/* Takes a port off the end. One colon parts it; several are an IPv6 address, in brackets when a port follows. */
static bool
take_port(struct query_host *h, struct slice *word)
{
	size_t colon = slice_find_last(*word, ':');
	bool bracket = word->len > 0 && word->data[0] == '[';
	size_t close = slice_find(*word, ']');
	if (colon == word->len || (bracket ? colon < close : slice_find(*word, ':') != colon))
		return true;
	uint64_t port;
	if (!number_parse(slice_from(*word, colon + 1), 65535, &port))
		return false;
	*word = slice_first(*word, colon);
	h->port = (unsigned)port;
	h->internet = true;
	return true;
}

bool
query_access_add_host(struct query_access *a, struct slice word)
{
	if (slice_starts(word, "unix:"))
		return query_access_add_socket(a, slice_from(word, 5));
	struct query_host *h = new_host(a);
	if (h == NULL)
		return false;
	h->internet = slice_starts(word, "inet:");
	if (h->internet)
		word = slice_from(word, 5);
	if (!take_port(h, &word))
		return false;
	if (slice_starts(word, "[") && slice_find(word, ']') + 1 == word.len)
		word = slice_make(word.data + 1, word.len - 2);
	h->name = strndup(word.data, word.len);
	return h->name != NULL && word.len > 0;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
query_access_equal(const struct query_access *a, const struct query_access *b)
{
	if (a->host_count != b->host_count || a->tls_verify != b->tls_verify || a->flags != b->flags)
		return false;
	for (size_t i = 0; i < a->host_count; i++) {
		const struct query_host *x = &a->hosts[i], *y = &b->hosts[i];
		if (!same_text(x->name, y->name) || !same_text(x->socket, y->socket) || x->port != y->port || x->internet != y->internet)
			return false;
	}
	for (size_t i = 0; i < TEXTS; i++)
		if (!same_text(*text_of(a, i), *text_of(b, i)))
			return false;
	return true;
}

bool
query_access_wants_tls(const struct query_access *a)
{
	return a->tls_verify || (a->flags & FLAG_TLS) != 0 || a->tls_ca_file[0] != '\0' || a->tls_ca_path[0] != '\0' ||
	    a->tls_cert_file[0] != '\0' || a->tls_key_file[0] != '\0' || a->tls_ciphers[0] != '\0';
}
