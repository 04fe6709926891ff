#include "queue/remote_hosts.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/random.h"

/* What the resolver does not tell is its trouble, or the way to it; the administrator can look there. */
static void
log_resolver(const char *name, const char *what)
{
	log_warning("names-unknown", log_text("name", name), log_text("wanted", what),
	    log_text("hint", "the resolver gave no answer, or said that it failed: see the setting resolver and the domain's DNS"));
}

/* --- the order -------------------------------------------------------------------------------- */

/* RFC 5321 section 5.1. An insertion sort keeps the order of equals. */
void
hosts_sort(struct dns_mx *mx, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_number() % i;
		struct dns_mx swap = mx[i - 1];
		mx[i - 1] = mx[j];
		mx[j] = swap;
	}
	for (size_t i = 1; i < count; i++) {
		struct dns_mx one = mx[i];
		size_t j = i;
		for (; j > 0 && mx[j - 1].preference > one.preference; j--)
			mx[j] = mx[j - 1];
		mx[j] = one;
	}
}

size_t
hosts_group(const struct hosts *h, size_t first)
{
	size_t end = first;
	while (end < h->count && h->mx[end].preference == h->mx[first].preference)
		end++;
	return end;
}

void
hosts_print(const struct hosts *h, struct str *into)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->implicit)
			str_append_text(into, h->mx[i].host);
		else
			str_append_format(into, "%s%u %s", i > 0 ? ", " : "", h->mx[i].preference, h->mx[i].host);
}

/* --- the hosts -------------------------------------------------------------------------------- */

static void
set_only(struct hosts *h, const char *host)
{
	h->count = 1;
	h->implicit = true;
	h->mx[0].preference = 0;
	snprintf(h->mx[0].host, sizeof h->mx[0].host, "%s", host);
}

/* The root is nobody's host. */
static void
drop_roots(struct hosts *h)
{
	size_t kept = 0;
	for (size_t i = 0; i < h->count; i++)
		if (h->mx[i].host[0] != '\0')
			h->mx[kept++] = h->mx[i];
	h->count = kept;
}

static bool
take_mx(struct hosts *h, const char *name, struct outcome *trouble)
{
	drop_roots(h);
	if (h->count == 0) {
		*trouble = outcome_make("5.1.10", "%s takes no mail (null MX)", name);
		return false;
	}
	hosts_sort(h->mx, h->count);
	return true;
}

static bool
find_mx(const struct dns *dns, const char *name, struct hosts *h, struct outcome *trouble)
{
	enum dns_result r = dns_find_mx(dns, name, h->mx, &h->count);
	h->authentic = dns_was_authentic();
	switch (r) {
	case DNS_FOUND:
		return take_mx(h, name, trouble);
	case DNS_NO_DATA:
		set_only(h, name); /* implicit MX: RFC 5321 section 5.1 */
		return true;
	case DNS_NO_NAME:
		*trouble = outcome_make("5.1.2", "there is no domain %s", name);
		return false;
	case DNS_TROUBLE:
		log_resolver(name, "MX");
		*trouble = outcome_make("4.4.3", "the mail hosts of %s could not be looked up", name);
		return false;
	}
	return false;
}

bool
hosts_find(const struct dns *dns, const struct route *route, struct hosts *h, struct outcome *trouble)
{
	union dns_address address;
	*h = (struct hosts){.authentic = !route->mx};
	if (route->mx && !dns_address_parse(slice_of(route->host), route->port, &address))
		return find_mx(dns, route->host, h, trouble);
	set_only(h, route->host);
	return true;
}

bool
hosts_locate(const struct dns *dns, const char *host, uint16_t port, struct host_addresses *a, struct outcome *trouble)
{
	a->host = host;
	enum dns_result r = dns_find_addresses(dns, host, port, a->addresses, &a->count);
	a->authentic = dns_was_authentic();
	if (r == DNS_FOUND)
		return true;
	if (r == DNS_TROUBLE) {
		log_resolver(host, "addresses");
		*trouble = outcome_make("4.4.3", "the addresses of %s could not be looked up", host);
	} else if (r == DNS_NO_DATA && !(dns_has_family(dns, AF_INET) && dns_has_family(dns, AF_INET6)))
		*trouble = outcome_make("4.4.4", "%s has no address of the family that address_family here wants", host);
	else
		*trouble = outcome_make("5.4.4", "%s has no address", host);
	return false;
}
