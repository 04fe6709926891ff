/* The parameters of MAIL. */
#include <string.h>

#include "lib/base/number.h"
#include "lib/mail/xtext.h"
#include "lib/mail/parameters.h"

#define SIZE_DIGITS_MOST 20

static struct parameter_problem
too_large(void)
{
	return (struct parameter_problem){552, "5.3.4", "The message is larger than the limit"};
}

/* RFC 1870 section 5: up to 20 digits. A number that is too large for us is a message that is too large. */
static struct parameter_problem
take_size(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct mail_parameters *m = said;
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_digit((unsigned char)value.data[i]))
			return parameter_wrong("SIZE is not a number");
	if (value.len > SIZE_DIGITS_MOST)
		return parameter_wrong("SIZE is not a number");
	return number_parse(value, facts->message_size, &m->size) ? PARAMETER_FINE : too_large();
}

/* RFC 6152, RFC 3030 section 3. */
static struct parameter_problem
take_body(void *said, struct slice value, const struct parameter_facts *facts)
{
	static const char *const words[] = {
	    [BODY_7BIT] = "7BIT", [BODY_8BITMIME] = "8BITMIME", [BODY_BINARYMIME] = "BINARYMIME"};
	struct mail_parameters *m = said;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_is_nocase(value, words[i]) && (i != BODY_BINARYMIME || facts->binarymime)) {
			m->body = (enum body)i;
			return PARAMETER_FINE;
		}
	return parameter_wrong("This value of BODY is not offered");
}

/* Who a client says wrote it is no proof: as if it were <> (RFC 4954 section 5). */
static struct parameter_problem
take_auth(void *said, struct slice value, const struct parameter_facts *facts)
{
	(void)said;
	(void)facts;
	return slice_is(value, "<>") || xtext_is(value) ? PARAMETER_FINE : parameter_wrong("AUTH is not xtext");
}

/* RFC 6531 section 3.4. */
static struct parameter_problem
take_smtputf8(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct mail_parameters *m = said;
	(void)value;
	if (!facts->esmtp)
		return (struct parameter_problem){555, "5.5.4", "SMTPUTF8 needs EHLO"};
	m->smtputf8 = true;
	return PARAMETER_FINE;
}

/* RFC 8689 section 4.1: it is not offered without TLS, so there it is not known. */
static struct parameter_problem
take_requiretls(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct mail_parameters *m = said;
	(void)value;
	if (!facts->encrypted || !facts->esmtp)
		return (struct parameter_problem){555, "5.5.4", "REQUIRETLS is not known without TLS"};
	m->requiretls = true;
	return PARAMETER_FINE;
}

/* RFC 3461 section 4.3. */
static struct parameter_problem
take_ret(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct mail_parameters *m = said;
	(void)facts;
	bool full = slice_is_nocase(value, "FULL");
	if (!full && !slice_is_nocase(value, "HDRS"))
		return parameter_wrong("RET is neither FULL nor HDRS");
	strcpy(m->ret, full ? "FULL" : "HDRS");
	return PARAMETER_FINE;
}

/* RFC 3461 section 4.4. */
static struct parameter_problem
take_envid(void *said, struct slice value, const struct parameter_facts *facts)
{
	struct mail_parameters *m = said;
	(void)facts;
	if (value.len > ENVID_MOST || !xtext_is(value))
		return parameter_wrong("ENVID is not xtext of at most 100 octets");
	memcpy(m->envid, value.data, value.len);
	m->envid[value.len] = '\0';
	return PARAMETER_FINE;
}

static const struct parameter table[] = {
    {"SIZE", VALUE_NEEDED, take_size},
    {"BODY", VALUE_NEEDED, take_body},
    {"AUTH", VALUE_NEEDED, take_auth},
    {"SMTPUTF8", VALUE_NONE, take_smtputf8},
    {"REQUIRETLS", VALUE_NONE, take_requiretls},
    {"RET", VALUE_NEEDED, take_ret},
    {"ENVID", VALUE_NEEDED, take_envid},
};

struct parameter_problem
mail_parameters_read(struct mail_parameters *said, struct slice rest, const struct parameter_facts *facts)
{
	memset(said, 0, sizeof *said);
	return parameters_read(table, sizeof table / sizeof *table, said, rest, facts);
}
