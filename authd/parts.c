#include "authd/parts.h"

#include "authd/maps.h"
#include "lib/mail/address.h"
#include "lib/mail/idna.h"

bool
parts_take(struct parts *p, struct slice address, const char *delimiters)
{
	struct slice local, domain, user, extension = slice_of("");
	*p = (struct parts){.written = STR_MOST(MAP_KEY_MOST), .full = STR_MOST(MAP_KEY_MOST), .base = STR_MOST(MAP_KEY_MOST),
	    .extension = STR_MOST(MAP_KEY_MOST), .catch_all = STR_MOST(MAP_KEY_MOST)};
	if (!str_set(&p->written, address) || !address_append_lower(&p->full, address))
		return false;
	address_split(address, &local, &domain);
	if (domain.len == 0)
		return true;
	str_append_byte(&p->catch_all, '@');
	address_append_lower(&p->catch_all, domain);
	if (delimiters[0] == '\0' || slice_starts(local, "\"") ||
	    !address_split_extension(local, delimiters, &user, &extension))
		return !p->catch_all.failed;
	str_append_slice(&p->extension, extension);
	address_append_lower(&p->base, user);
	str_append_slice(&p->base, str_slice(&p->catch_all));
	return !p->catch_all.failed && !p->extension.failed && !p->base.failed;
}

static bool
has_encoded_label(struct slice domain)
{
	struct slice label;
	while (slice_split(&domain, '.', &label))
		if (slice_starts_nocase(label, "xn--"))
			return true;
	return false;
}

bool
parts_print_form(struct slice domain, enum domain_form form, struct str *into)
{
	size_t start = into->len;
	if (address_is_ascii(domain) && !has_encoded_label(domain))
		return false;
	bool ok = form == FORM_ASCII ? idna_to_ascii(domain, into) : idna_to_unicode(domain, into);
	if (ok && !slice_equal(slice_from(str_slice(into), start), domain))
		return true;
	str_truncate(into, start);
	return false;
}

bool
parts_in_form(const struct parts *p, enum domain_form form, const char *delimiters, struct parts *other)
{
	struct str address = STR_MOST(MAP_KEY_MOST);
	bool ok = p->catch_all.len > 0 && str_append_slice(&address, parts_local(p)) && str_append_byte(&address, '@') &&
	    parts_print_form(parts_domain(p), form, &address);
	if (ok && !parts_take(other, str_slice(&address), delimiters)) {
		parts_free(other);
		ok = false;
	}
	str_free(&address);
	return ok;
}

void
parts_free(struct parts *p)
{
	str_free(&p->written);
	str_free(&p->full);
	str_free(&p->base);
	str_free(&p->extension);
	str_free(&p->catch_all);
}

struct slice
parts_domain(const struct parts *p)
{
	return slice_from(str_slice(&p->catch_all), 1);
}

struct slice
parts_local(const struct parts *p)
{
	struct slice local, domain;
	address_split(str_slice(&p->written), &local, &domain);
	return local;
}

struct slice
parts_local_lower(const struct parts *p)
{
	return slice_first(str_slice(&p->full), parts_local(p).len);
}

bool
parts_is_postmaster(const struct parts *p)
{
	return slice_is(parts_local_lower(p), "postmaster");
}

static size_t
labels_of(struct slice domain)
{
	size_t labels = 1;
	for (size_t i = 0; i < domain.len; i++)
		labels += domain.data[i] == '.';
	return labels;
}

struct slice
parts_parent(struct slice domain)
{
	do
		domain = slice_from(domain, slice_find(domain, '.') + 1);
	while (labels_of(domain) > PARENT_LABELS);
	return domain;
}
