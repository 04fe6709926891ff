#include "queue/remote_policy.h"

#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/idna.h"

static const char *const words[] = {
    [TLS_NONE] = "none", [TLS_MAY] = "may", [TLS_ENCRYPT] = "encrypt", [TLS_DANE] = "dane", [TLS_VERIFY] = "verify", [TLS_SECURE] = "secure",
};

const char *
policy_word(enum tls_policy policy)
{
	return words[policy];
}

static bool
read_word(struct slice word, enum tls_policy *policy)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_is_nocase(word, words[i])) {
			*policy = (enum tls_policy)i;
			return true;
		}
	return false;
}

/* The next word of a line; empty at its end. */
static struct slice
take_word(struct slice *line)
{
	*line = slice_trim(*line);
	size_t len = 0;
	while (len < line->len && line->data[len] != ' ' && line->data[len] != '\t')
		len++;
	struct slice word = slice_first(*line, len);
	*line = slice_trim(slice_from(*line, len));
	return word;
}

struct line {
	struct slice    destination;
	enum tls_policy policy;
	struct slice    names;
};

static bool
is_beneath(struct slice destination)
{
	return slice_starts(destination, ".");
}

/* ".example.org" as hosts have it, in A-labels. False: it is none. */
static bool
print_beneath(struct slice destination, struct str *into)
{
	return str_append_byte(into, '.') && idna_to_ascii(slice_from(destination, 1), into);
}

static bool
parse(struct slice text, struct line *l)
{
	struct route route;
	struct str beneath = STR_MOST(1 + ROUTE_HOST_MOST);
	l->destination = take_word(&text);
	struct slice word = take_word(&text);
	l->names = text;
	bool ok = read_word(word, &l->policy) && !slice_has(l->names, ',') &&
	    (is_beneath(l->destination) ? print_beneath(l->destination, &beneath) : route_parse(l->destination, l->destination, &route));
	str_free(&beneath);
	return ok;
}

/* The next line that says something, without its comment. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	while (slice_split(rest, '\n', line)) {
		*line = slice_trim(slice_first(*line, slice_find(*line, '#')));
		if (slice_ends(*line, "\r"))
			*line = slice_trim(slice_first(*line, line->len - 1));
		if (line->len > 0)
			return true;
	}
	return false;
}

static bool
is_wrong(const char *setting, struct slice text)
{
	log_error("setting-wrong", log_text("setting", setting), log_slice("text", text),
	    log_text("hint", "policies are none, may, encrypt, dane, verify and secure; a line of outgoing_tls_policy is a destination and a policy"));
	return false;
}

bool
policy_read(const char *word, const char *list, struct policy_rules *rules)
{
	struct slice rest = slice_of(list), text;
	struct line line;
	rules->list = rest;
	if (!read_word(slice_of(word), &rules->fallback))
		return is_wrong("outgoing_tls", slice_of(word));
	while (next_line(&rest, &text))
		if (!parse(text, &line))
			return is_wrong("outgoing_tls_policy", text);
	return true;
}

static bool
fits_beneath(struct slice destination, struct slice host)
{
	struct str beneath = STR_MOST(1 + ROUTE_HOST_MOST);
	bool fits = print_beneath(destination, &beneath) && host.len > beneath.len && slice_ends(host, str_text(&beneath));
	str_free(&beneath);
	return fits;
}

static bool
fits(struct slice destination, const struct route *route)
{
	struct route one;
	if (is_beneath(destination))
		return fits_beneath(destination, slice_of(route->host));
	return route_parse(destination, destination, &one) && strcmp(one.host, route->host) == 0 && one.port == route->port &&
	    one.mx == route->mx && strcmp(one.unix_path, route->unix_path) == 0;
}

struct policy
policy_find(const struct policy_rules *rules, const struct route *route)
{
	struct slice rest = rules->list, text;
	struct line line;
	while (next_line(&rest, &text))
		if (parse(text, &line) && fits(line.destination, route))
			return (struct policy){.wanted = line.policy, .names = line.names, .listed = true};
	return (struct policy){.wanted = rules->fallback};
}
