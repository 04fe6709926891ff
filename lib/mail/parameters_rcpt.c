/* The parameters of RCPT (RFC 3461 sections 4.1 and 4.2, RFC 6533 section 3). */
#include <string.h>

#include "lib/mail/xtext.h"
#include "lib/mail/parameters.h"

enum { EVENTS = 3 };
static const char *const events[EVENTS] = {"SUCCESS", "FAILURE", "DELAY"};

/* Which of the events a list names; 0: it is none, or names one twice. */
static unsigned
read_events(struct slice list)
{
	unsigned named = 0;
	size_t words = 1;
	struct slice word;
	for (size_t i = 0; i < list.len; i++)
		words += list.data[i] == ',';
	for (; words > 0 && slice_split(&list, ',', &word); words--) {
		unsigned bit = 0;
		for (unsigned i = 0; i < EVENTS; i++)
			if (slice_is_nocase(word, events[i]))
				bit = 1u << i;
		if (bit == 0 || (named & bit))
			return 0;
		named |= bit;
	}
	return words == 0 ? named : 0;
}

static struct parameter_problem
take_notify(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct rcpt_parameters *r = said;
	(void)facts;
	if (slice_is_nocase(value, "NEVER")) {
		strcpy(r->notify, "NEVER");
		return PARAMETER_FINE;
	}
	unsigned named = read_events(value);
	if (named == 0)
		return parameter_wrong("NOTIFY is neither NEVER nor a list of SUCCESS, FAILURE and DELAY");
	for (unsigned i = 0; i < EVENTS; i++)
		if (named & (1u << i)) {
			strcat(r->notify, r->notify[0] != '\0' ? "," : "");
			strcat(r->notify, events[i]);
		}
	return PARAMETER_FINE;
}

static bool
is_atom(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum((unsigned char)text.data[i]) && strchr("!#$%&'*-/?^_`{|}~", text.data[i]) == NULL)
			return false;
	return text.len > 0;
}

/* Addresses of the type utf-8 have an encoding of their own, or are UTF-8 where the envelope may be. */
static bool
is_address(struct slice type, struct slice address, const struct parameter_facts *facts)
{
	if (slice_is_nocase(type, "utf-8"))
		return xtext_is_utf8_address(address, facts->smtputf8);
	return address.len > 0 && xtext_is(address);
}

static struct parameter_problem
take_orcpt(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct rcpt_parameters *r = said;
	size_t mark = slice_find(value, ';');
	struct slice type = slice_first(value, mark), address = slice_from(value, mark + 1);
	if (value.len > ORCPT_MOST || mark == value.len || !is_atom(type) || !is_address(type, address, facts))
		return parameter_wrong("ORCPT is not a type, \";\" and an address in xtext of at most 500 octets");
	memcpy(r->orcpt, value.data, value.len);
	r->orcpt[value.len] = '\0';
	return PARAMETER_FINE;
}

static const struct parameter table[] = {
    {"NOTIFY", VALUE_NEEDED, take_notify},
    {"ORCPT", VALUE_NEEDED, take_orcpt},
};

struct parameter_problem
rcpt_parameters_read(struct rcpt_parameters *said, struct slice rest, const struct parameter_facts *facts)
{
	memset(said, 0, sizeof *said);
	return parameters_read(table, sizeof table / sizeof *table, said, rest, facts);
}
