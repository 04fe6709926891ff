#include "sts/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "lib/sandbox/sandbox.h"
#include "sts/policy.h"

#define AUTHORITIES_MOST (16u << 20)
#define NAME_MOST        (STS_DOMAIN_MOST + 16)
#define PORT             443
#define ADDRESSES_TEXT   (NAME_MOST + DNS_RECORDS_MOST * (INET6_ADDRSTRLEN + 3) + 8)

static const struct contract worker_contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_INTERNET | CALLS_READ_FILES,
    .memory = 256u << 20,
    .descriptors = 32,
    .reaches = "/etc/hosts, for reading",
    .sockets = "its parent; Internet: DNS, HTTPS to mta-sts.DOMAIN",
    .compromise = "lies about policies from then on; nothing of this host",
};

bool
fetch_prepare(struct fetcher *f, const char *ca_file)
{
	size_t len;
	char *text = settings_read_file(ca_file, AUTHORITIES_MOST, &len);
	if (text == NULL) {
		log_error("ca-file-unreadable", log_text("file", ca_file), log_errno(),
		    log_text("hint", "install the package ca-certificates, or name a file of CAs in PEM by sts_ca_file"));
		return false;
	}
	f->authorities = slice_make(text, len);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		return true;
	log_error("curl-failed", log_text("reason", "libcurl cannot begin"));
	return false;
}

/* One job. */
struct job {
	const struct fetcher *f;
	const char           *domain;
	char                  host[NAME_MOST];
	char                  id[STS_ID_MOST + 1];
	struct str            body, addresses;
	char                  why[CURL_ERROR_SIZE + 64];
};

__attribute__((format(printf, 2, 3))) static bool
fail(struct job *j, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(j->why, sizeof j->why, format, arguments);
	va_end(arguments);
	return false;
}

/* --- DNS ------------------------------------------------------------------------------------ */

enum record { RECORD_NONE, RECORD_FOUND, RECORD_TROUBLE };

/* RFC 8461 section 3.1: not one record is no record. */
static enum record
find_record(struct job *j)
{
	static struct dns_txt texts[DNS_RECORDS_MOST];
	char name[NAME_MOST];
	size_t count, found = 0;
	struct slice id, last = slice_of("");
	snprintf(name, sizeof name, "_mta-sts.%s", j->domain);
	enum dns_result r = dns_find_txt(&j->f->dns, name, texts, &count);
	for (size_t i = 0; i < count; i++)
		if (sts_record_parse(slice_make(texts[i].text, texts[i].len), &id)) {
			found++;
			last = id;
		}
	if (r == DNS_TROUBLE) {
		fail(j, "%s could not be looked up", name);
		return RECORD_TROUBLE;
	}
	if (found != 1 || last.len == 0)
		return RECORD_NONE;
	snprintf(j->id, sizeof j->id, "%.*s", (int)last.len, last.data);
	return RECORD_FOUND;
}

/* libcurl asks no resolver: it is told the addresses that ours gives, as "HOST:PORT:ADDRESS,ADDRESS". */
static bool
find_addresses(struct job *j)
{
	union dns_address addresses[DNS_RECORDS_MOST];
	char text[INET6_ADDRSTRLEN];
	size_t count;
	snprintf(j->host, sizeof j->host, "mta-sts.%s", j->domain);
	if (dns_find_addresses(&j->f->dns, j->host, PORT, addresses, &count) != DNS_FOUND)
		return fail(j, "%s has no address, or it could not be looked up", j->host);
	str_append_format(&j->addresses, "%s:%d:", j->host, PORT);
	for (size_t i = 0; i < count; i++) {
		dns_address_print(&addresses[i], text);
		str_append_format(&j->addresses, addresses[i].any.sa_family == AF_INET6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", text);
	}
	return !j->addresses.failed || fail(j, "%s has too many addresses", j->host);
}

/* --- HTTPS ---------------------------------------------------------------------------------- */

/* What is too long ends the transfer. */
static size_t
take_bytes(char *bytes, size_t size, size_t count, void *context)
{
	struct job *j = context;
	return str_append(&j->body, bytes, size * count) ? size * count : 0;
}

/* HTTPS and nothing else: no other protocol, no redirection (section 3.3), no proxy, cookie, or cache of the environment's. */
static bool
set_options(CURL *c, struct job *j, struct curl_slist *resolved, char error[CURL_ERROR_SIZE])
{
	char url[NAME_MOST + 64];
	struct curl_blob authorities = {.data = (char *)(uintptr_t)j->f->authorities.data, .len = j->f->authorities.len};
	snprintf(url, sizeof url, "https://%s/.well-known/mta-sts.txt", j->host);
	return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK && curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_RESOLVE, resolved) == CURLE_OK && curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_NOPROXY, "*") == CURLE_OK && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &authorities) == CURLE_OK && curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)j->f->timeout) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)STS_TEXT_MOST) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_USERAGENT, "postern-stsd") == CURLE_OK && curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK && curl_easy_setopt(c, CURLOPT_WRITEDATA, j) == CURLE_OK;
}

static bool
is_plain_text(const char *type)
{
	struct slice name = slice_of(type);
	return slice_is_nocase(slice_trim(slice_first(name, slice_find(name, ';'))), "text/plain");
}

/* Section 3.3: status 200 and text/plain; all else is no policy. */
static bool
look_at_answer(CURL *c, struct job *j)
{
	long status = 0;
	const char *type = NULL, *why;
	struct sts_policy policy;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	if (status != 200)
		return fail(j, "the policy host answered with the status %ld", status);
	if (!is_plain_text(type != NULL ? type : ""))
		return fail(j, "the policy is not text/plain but %.100s", type != NULL ? type : "of no type");
	return sts_policy_parse(str_slice(&j->body), &policy, &why) || fail(j, "the policy is wrong: %s", why);
}

static bool
fetch(struct job *j)
{
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *resolved = curl_slist_append(NULL, str_text(&j->addresses));
	CURL *c = curl_easy_init();
	bool ok = c != NULL && resolved != NULL && set_options(c, j, resolved, error);
	if (!ok)
		fail(j, "%s", "libcurl takes no options");
	CURLcode code = ok ? curl_easy_perform(c) : CURLE_OK;
	if (code != CURLE_OK)
		ok = fail(j, "%s", error[0] != '\0' ? error : curl_easy_strerror(code));
	ok = ok && look_at_answer(c, j);
	curl_easy_cleanup(c);
	curl_slist_free_all(resolved);
	return ok;
}

/* --- jobs ----------------------------------------------------------------------------------- */

static void
answer(struct packet *p, struct job *j, const char *known)
{
	enum record record = find_record(j);
	if (record == RECORD_NONE)
		packet_begin(p, "none");
	else if (record == RECORD_FOUND && strcmp(known, j->id) == 0)
		packet_begin(p, "same");
	else if (record == RECORD_FOUND && find_addresses(j) && fetch(j)) {
		packet_begin(p, "policy");
		packet_add_text(p, j->id);
		packet_add_rest(p, str_slice(&j->body));
	} else {
		packet_begin(p, "failed");
		packet_add_text(p, j->why);
	}
}

static bool
serve_job(int socket, const struct fetcher *f)
{
	static struct packet p, out;
	struct job j = {.f = f, .body = STR_MOST(STS_TEXT_MOST), .addresses = STR_MOST(ADDRESSES_TEXT)};
	if (packet_receive_wait(socket, &p, -1) != PACKET_OK || strcmp(packet_verb(&p), "fetch") != 0)
		return false;
	j.domain = packet_field(&p);
	const char *known = packet_field(&p);
	if (known == NULL || !sts_is_domain(slice_of(j.domain)))
		return false;
	answer(&out, &j, known);
	str_free(&j.body);
	str_free(&j.addresses);
	return packet_send_wait(socket, &out, 10000) == PACKET_OK;
}

void
fetch_work(int socket, void *context)
{
	static const struct sandbox_path paths[] = {{.path = "/etc/hosts"}};
	if (!sandbox_enter(&worker_contract, paths, sizeof paths / sizeof *paths))
		_exit(EXIT_TEMPORARY);
	while (serve_job(socket, context))
		;
}
