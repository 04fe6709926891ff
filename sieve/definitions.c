#include "sieve/definitions.h"

#include <string.h>

#include "sieve/actions.h"
#include "sieve/flags.h"
#include "sieve/tests.h"
#include "sieve/vacation.h"

#define MATCHING (TAGS_MATCH | TAGS_COMPARATOR)

static const struct sieve_definition commands[] = {
    {.name = "require", .positions = "S"},
    {.name = "if", .positions = "", .tests = TESTS_ONE, .block = true},
    {.name = "elsif", .positions = "", .tests = TESTS_ONE, .block = true},
    {.name = "else", .positions = "", .block = true},
    {.name = "stop", .positions = "", .act = sieve_act_stop},
    {.name = "keep", .positions = "", .tags = TAGS_FLAGS, .act = sieve_act_keep},
    {.name = "discard", .positions = "", .act = sieve_act_discard},
    {.name = "redirect", .positions = "s", .tags = TAGS_COPY, .act = sieve_act_redirect, .check = sieve_check_redirect},
    {.name = "fileinto", .extensions = EXTENSION_FILEINTO, .positions = "s", .tags = TAGS_COPY | TAGS_CREATE | TAGS_FLAGS,
        .act = sieve_act_fileinto},
    {.name = "reject", .extensions = EXTENSION_REJECT, .positions = "s", .act = sieve_act_reject},
    {.name = "ereject", .extensions = EXTENSION_EREJECT, .positions = "s", .act = sieve_act_ereject},
    {.name = "vacation", .extensions = EXTENSION_VACATION, .positions = "s",
        .tags = TAGS_DAYS | TAGS_SUBJECT | TAGS_FROM | TAGS_ADDRESSES | TAGS_MIME | TAGS_HANDLE, .act = sieve_act_vacation,
        .check = sieve_check_vacation},
    {.name = "setflag", .extensions = EXTENSION_IMAP4FLAGS, .positions = "S", .act = sieve_act_setflag},
    {.name = "addflag", .extensions = EXTENSION_IMAP4FLAGS, .positions = "S", .act = sieve_act_addflag},
    {.name = "removeflag", .extensions = EXTENSION_IMAP4FLAGS, .positions = "S", .act = sieve_act_removeflag},
};

static const struct sieve_definition tests[] = {
    {.name = "address", .positions = "SS", .tags = MATCHING | TAGS_PART, .ask = sieve_ask_address, .check = sieve_check_address},
    {.name = "allof", .positions = "", .tests = TESTS_LIST, .ask = sieve_ask_allof},
    {.name = "anyof", .positions = "", .tests = TESTS_LIST, .ask = sieve_ask_anyof},
    {.name = "envelope", .extensions = EXTENSION_ENVELOPE, .positions = "SS", .tags = MATCHING | TAGS_PART,
        .ask = sieve_ask_envelope, .check = sieve_check_envelope},
    {.name = "exists", .positions = "S", .ask = sieve_ask_exists},
    {.name = "false", .positions = "", .ask = sieve_ask_false},
    {.name = "hasflag", .extensions = EXTENSION_IMAP4FLAGS, .positions = "S", .tags = MATCHING, .ask = sieve_ask_hasflag},
    {.name = "header", .positions = "SS", .tags = MATCHING, .ask = sieve_ask_header},
    {.name = "mailboxexists", .extensions = EXTENSION_MAILBOX, .positions = "S", .ask = sieve_ask_mailboxexists},
    {.name = "not", .positions = "", .tests = TESTS_ONE, .ask = sieve_ask_not},
    {.name = "size", .positions = "n", .tags = TAGS_OVER, .ask = sieve_ask_size, .check = sieve_check_size},
    {.name = "true", .positions = "", .ask = sieve_ask_true},
};

static const struct {
	const char *name;
	unsigned    bit;
} extensions[] = {
    {"fileinto", EXTENSION_FILEINTO},
    {"reject", EXTENSION_REJECT},
    {"ereject", EXTENSION_EREJECT},
    {"envelope", EXTENSION_ENVELOPE},
    {"encoded-character", EXTENSION_ENCODED_CHARACTER},
    {"subaddress", EXTENSION_SUBADDRESS},
    {"vacation", EXTENSION_VACATION},
    {"imap4flags", EXTENSION_IMAP4FLAGS},
    {"copy", EXTENSION_COPY},
    {"mailbox", EXTENSION_MAILBOX},
    {"comparator-i;octet", EXTENSION_COMPARATOR},
    {"comparator-i;ascii-casemap", EXTENSION_COMPARATOR},
};

const char sieve_extensions[] = "fileinto reject ereject envelope encoded-character subaddress vacation imap4flags copy mailbox";

static const struct sieve_definition *
find(const struct sieve_definition *table, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is_nocase(name, table[i].name))
			return &table[i];
	return NULL;
}

const struct sieve_definition *
sieve_command_find(struct slice name)
{
	return find(commands, sizeof commands / sizeof *commands, name);
}

const struct sieve_definition *
sieve_test_find(struct slice name)
{
	return find(tests, sizeof tests / sizeof *tests, name);
}

unsigned
sieve_extension_find(struct slice name)
{
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (slice_is(name, extensions[i].name))
			return extensions[i].bit;
	return 0;
}

const char *
sieve_extension_name(unsigned bit)
{
	size_t i = 0;
	while (i + 1 < sizeof extensions / sizeof *extensions && (extensions[i].bit & bit) == 0)
		i++;
	return extensions[i].name;
}
