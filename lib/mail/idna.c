#include "lib/mail/idna.h"

#include "lib/mail/address.h"
#include "lib/mail/punycode.h"
#include "lib/mail/utf8.h"

#define PREFIX "xn--"

static void
append_lower(struct str *into, struct slice ascii)
{
	for (size_t i = 0; i < ascii.len; i++)
		str_append_byte(into, (char)ascii_lower((unsigned char)ascii.data[i]));
}

/* Of a label that is not all ASCII: letters, digits, hyphens, and underscores as in all our domains; no controls, nothing that others read as a dot, no spaces. */
static bool
may_hold(unsigned character)
{
	static const unsigned never[] = {0x3002, 0xff0e, 0xff61, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x3000, 0xfeff, 0xfffd};
	if (character < 0x80)
		return ascii_is_alnum((int)character) || character == '-' || character == '_';
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (character == never[i])
			return false;
	return character > 0xa0;
}

/* RFC 5891 section 4.2.3.1: what looks like a prefix is one. */
static bool
has_right_hyphens(const unsigned *characters, size_t count)
{
	if (count == 0 || characters[0] == '-' || characters[count - 1] == '-')
		return false;
	return !(count > 3 && characters[2] == '-' && characters[3] == '-');
}

static bool
read_characters(struct slice label, unsigned *characters, size_t *count)
{
	for (*count = 0; label.len > 0; ++*count) {
		unsigned character;
		size_t len = utf8_character(label, &character);
		if (len == 0 || *count == PUNYCODE_CHARACTERS_MOST || !may_hold(character))
			return false;
		characters[*count] = idna_lower(character);
		label = slice_from(label, len);
	}
	return has_right_hyphens(characters, *count);
}

static bool
put_encoded(struct slice label, struct str *into)
{
	unsigned characters[PUNYCODE_CHARACTERS_MOST];
	size_t count;
	return read_characters(label, characters, &count) && str_append_text(into, PREFIX) && punycode_encode(characters, count, into);
}

bool
idna_label_to_ascii(struct slice label, struct str *into)
{
	size_t start = into->len;
	bool ok = true;
	if (address_is_ascii(label))
		append_lower(into, label);
	else
		ok = put_encoded(label, into);
	size_t len = into->len - start;
	ok = ok && !into->failed && len > 0 && len <= IDNA_LABEL_MOST;
	if (!ok)
		str_truncate(into, start);
	return ok;
}

/* As people write it, if writing that for DNS gives the same again. */
static bool
put_decoded(struct slice label, struct str *into)
{
	unsigned characters[PUNYCODE_CHARACTERS_MOST];
	size_t count, start = into->len;
	struct str again = STR_MOST(IDNA_LABEL_MOST);
	bool ok = slice_starts_nocase(label, PREFIX) && punycode_decode(slice_from(label, sizeof PREFIX - 1), characters, &count);
	for (size_t i = 0; ok && i < count; i++)
		ok = utf8_append(into, characters[i]);
	struct slice written = slice_from(str_slice(into), start);
	ok = ok && !address_is_ascii(written) && idna_label_to_ascii(written, &again) && slice_equal_nocase(str_slice(&again), label);
	str_free(&again);
	if (!ok)
		str_truncate(into, start);
	return ok;
}

static bool
put_unicode(struct slice label, struct str *into)
{
	struct str ascii = STR_MOST(IDNA_LABEL_MOST);
	bool ok = idna_label_to_ascii(label, &ascii) && (put_decoded(str_slice(&ascii), into) || str_append_slice(into, str_slice(&ascii)));
	str_free(&ascii);
	return ok;
}

/* Each label by itself; a dot at the end stays. */
static bool
convert(struct slice domain, struct str *into, bool (*put)(struct slice label, struct str *into))
{
	size_t start = into->len;
	struct slice label;
	bool ok = domain.len > 0, root = slice_ends(domain, ".");
	if (root)
		domain = slice_first(domain, domain.len - 1);
	ok = ok && !slice_ends(domain, ".") && domain.len > 0;
	while (ok && slice_split(&domain, '.', &label))
		ok = (into->len == start || str_append_byte(into, '.')) && put(label, into);
	if (ok && root)
		ok = str_append_byte(into, '.');
	if (!ok)
		str_truncate(into, start);
	return ok;
}

bool
idna_to_ascii(struct slice domain, struct str *into)
{
	size_t start = into->len;
	bool ok = convert(domain, into, idna_label_to_ascii) && into->len - start <= IDNA_NAME_MOST;
	if (!ok)
		str_truncate(into, start);
	return ok;
}

bool
idna_to_unicode(struct slice domain, struct str *into)
{
	return convert(domain, into, put_unicode);
}
