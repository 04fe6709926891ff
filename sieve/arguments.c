#include "sieve/arguments.h"

#include <string.h>

#include "sieve/characters.h"
#include "sieve/definitions.h"

enum value { VALUE_NONE, VALUE_STRING, VALUE_LIST, VALUE_NUMBER };

/* --- what each tag says -------------------------------------------------------------------- */

static bool
say_comparator(struct sieve_said *said, const struct sieve_argument *value, struct sieve_problem *p)
{
	struct slice name = value->strings.items[0];
	said->comparator = slice_is(name, "i;octet") ? COMPARE_OCTET : COMPARE_CASEMAP;
	return said->comparator == COMPARE_OCTET || slice_is(name, "i;ascii-casemap") ||
	    sieve_wrong(p, value->line, "a comparator is \"i;octet\" or \"i;ascii-casemap\"");
}

#define SAY(name, statement)                                                                                   \
	static bool say_##name(struct sieve_said *said, const struct sieve_argument *value, struct sieve_problem *p) \
	{                                                                                                      \
		(void)value, (void)p;                                                                          \
		statement;                                                                                     \
		return true;                                                                                   \
	}

SAY(is, said->match = MATCH_IS)
SAY(contains, said->match = MATCH_CONTAINS)
SAY(matches, said->match = MATCH_MATCHES)
SAY(all, said->part = PART_ALL)
SAY(localpart, said->part = PART_LOCAL)
SAY(domain, said->part = PART_DOMAIN)
SAY(user, said->part = PART_USER)
SAY(detail, said->part = PART_DETAIL)
SAY(over, said->over = true)
SAY(under, said->over = false)
SAY(copy, said->copy = true)
SAY(create, said->create = true)
SAY(mime, said->mime = true)
SAY(flags, said->flags = value->strings)
SAY(addresses, said->addresses = value->strings)
SAY(days, said->days = value->number)
SAY(subject, said->subject = value->strings.items[0])
SAY(from, said->from = value->strings.items[0])
SAY(handle, said->handle = value->strings.items[0])

static const struct tag {
	const char *name;
	unsigned    group;
	unsigned    extension; /* it must be required; 0: none */
	enum value  value;
	bool (*say)(struct sieve_said *said, const struct sieve_argument *value, struct sieve_problem *p);
} tags[] = {
    {"is", TAGS_MATCH, 0, VALUE_NONE, say_is},
    {"contains", TAGS_MATCH, 0, VALUE_NONE, say_contains},
    {"matches", TAGS_MATCH, 0, VALUE_NONE, say_matches},
    {"comparator", TAGS_COMPARATOR, 0, VALUE_STRING, say_comparator},
    {"all", TAGS_PART, 0, VALUE_NONE, say_all},
    {"localpart", TAGS_PART, 0, VALUE_NONE, say_localpart},
    {"domain", TAGS_PART, 0, VALUE_NONE, say_domain},
    {"user", TAGS_PART, EXTENSION_SUBADDRESS, VALUE_NONE, say_user},
    {"detail", TAGS_PART, EXTENSION_SUBADDRESS, VALUE_NONE, say_detail},
    {"over", TAGS_OVER, 0, VALUE_NONE, say_over},
    {"under", TAGS_OVER, 0, VALUE_NONE, say_under},
    {"copy", TAGS_COPY, EXTENSION_COPY, VALUE_NONE, say_copy},
    {"create", TAGS_CREATE, EXTENSION_MAILBOX, VALUE_NONE, say_create},
    {"flags", TAGS_FLAGS, EXTENSION_IMAP4FLAGS, VALUE_LIST, say_flags},
    {"days", TAGS_DAYS, 0, VALUE_NUMBER, say_days},
    {"subject", TAGS_SUBJECT, 0, VALUE_STRING, say_subject},
    {"from", TAGS_FROM, 0, VALUE_STRING, say_from},
    {"addresses", TAGS_ADDRESSES, 0, VALUE_LIST, say_addresses},
    {"mime", TAGS_MIME, 0, VALUE_NONE, say_mime},
    {"handle", TAGS_HANDLE, 0, VALUE_STRING, say_handle},
};

static const struct tag *
find_tag(struct slice name, unsigned groups)
{
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if ((tags[i].group & groups) != 0 && slice_is_nocase(name, tags[i].name))
			return &tags[i];
	return NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool
fits(const struct sieve_argument *a, enum value wanted)
{
	if (a == NULL)
		return false;
	if (wanted == VALUE_NUMBER)
		return a->kind == ARGUMENT_NUMBER;
	return a->kind == ARGUMENT_STRINGS && (wanted == VALUE_LIST || !a->listed);
}

static const char *
in_words(enum value wanted)
{
	return wanted == VALUE_NUMBER ? "a number" : wanted == VALUE_STRING ? "a string" : "a string or a list of strings";
}

/* Where encoded-character is required, its characters are decoded in each string. */
static bool
decode(struct sieve_checking *c, struct sieve_argument *a)
{
	if ((c->extensions & EXTENSION_ENCODED_CHARACTER) == 0)
		return true;
	for (size_t i = 0; i < a->strings.count; i++)
		if (!sieve_characters_decode(&a->strings.items[i], c->memory))
			return sieve_wrong(c->problem, a->line, "a ${hex:} or ${unicode:} gives no text in UTF-8, or one that has no place");
	return true;
}

static bool
read_tag(struct sieve_checking *c, struct sieve_call *call, struct sieve_argument **at)
{
	const struct sieve_argument *a = *at;
	const struct tag *tag = find_tag(a->tag, call->definition->tags);
	int len = (int)(a->tag.len < 40 ? a->tag.len : 40);
	if (tag == NULL)
		return sieve_wrong(c->problem, a->line, "%s has no :%.*s", call->definition->name, len, a->tag.data);
	if (tag->extension != 0 && (tag->extension & c->extensions) == 0)
		return sieve_wrong(c->problem, a->line, ":%s needs: require \"%s\";", tag->name, sieve_extension_name(tag->extension));
	if (call->said.tags & tag->group)
		return sieve_wrong(c->problem, a->line, ":%s comes behind another one of its kind", tag->name);
	call->said.tags |= tag->group;
	if (tag->value != VALUE_NONE) {
		*at = a->next;
		if (!fits(*at, tag->value))
			return sieve_wrong(c->problem, a->line, ":%s needs %s behind it", tag->name, in_words(tag->value));
		if (!decode(c, *at))
			return false;
	}
	return tag->say(&call->said, *at, c->problem);
}

static bool
read_position(struct sieve_checking *c, struct sieve_call *call, struct sieve_argument *a, size_t place)
{
	const char *positions = call->definition->positions;
	if (place >= strlen(positions))
		return sieve_wrong(c->problem, a->line, "%s has an argument too many", call->definition->name);
	enum value wanted = positions[place] == 'n' ? VALUE_NUMBER : positions[place] == 's' ? VALUE_STRING : VALUE_LIST;
	if (!fits(a, wanted))
		return sieve_wrong(c->problem, a->line, "argument %zu of %s must be %s", place + 1, call->definition->name, in_words(wanted));
	if (wanted == VALUE_NUMBER)
		call->said.number = a->number;
	else if (!decode(c, a))
		return false;
	else if (place == 0)
		call->said.first = a->strings;
	else
		call->said.second = a->strings;
	return true;
}

bool
sieve_arguments_read(struct sieve_checking *c, struct sieve_call *call)
{
	size_t place = 0;
	for (struct sieve_argument *a = call->arguments; a != NULL; a = a->next) {
		bool ok = a->kind == ARGUMENT_TAG ? read_tag(c, call, &a) : read_position(c, call, a, place++);
		if (!ok)
			return false;
	}
	return place == strlen(call->definition->positions) ||
	    sieve_wrong(c->problem, call->line, "%s has an argument too few", call->definition->name);
}
