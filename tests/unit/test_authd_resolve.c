/* The resolver's rules, over facts that the test gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "authd/maildir.h"
#include "authd/resolve.h"
#include "lib/base/log.h"

static const struct {
	enum map    map;
	const char *key, *value;
} table[] = {
    {MAP_DOMAIN, "our.org", "1"},
    {MAP_DOMAIN, "all.org", "1"},
    {MAP_RELAY_DOMAIN, "relay.org", "1"},
    {MAP_MAILBOX, "al@our.org", "our.org/al/"},
    {MAP_MAILBOX, "bo@our.org", "/var/vmail/our.org/bo"},
    {MAP_MAILBOX, "bo+x@our.org", "our.org/box"},
    {MAP_MAILBOX, "evil@our.org", "../../etc/"},
    {MAP_MAILBOX, "real@all.org", "all.org/real/"},
    {MAP_MAILBOX, "both@our.org", "our.org/both/"},
    {MAP_QUOTA, "al@our.org", "5242880S,1000C"},
    {MAP_QUOTA, "bo@our.org", "-1"},
    {MAP_ALIAS, "al@our.org", "AL@our.org"},
    {MAP_ALIAS, "both@our.org", "both@our.org, al@our.org"},
    {MAP_ALIAS, "sales@our.org", "al@our.org,\"a,b\"@x.org , bo@our.org,"},
    {MAP_ALIAS, "local@our.org", "root"},
    {MAP_ALIAS, "sales+eu@our.org", "sales+eu@our.org"},
    {MAP_MAILBOX, "sales+eu@our.org", "our.org/eu/"},
    {MAP_ALIAS, "@all.org", "al@our.org"},
    {MAP_ALIAS, "@alias.org", "@our.org"},
    {MAP_DOMAIN, "alias.org", "1"},
    {MAP_PASSWORD, "al@our.org", "hash"},
    {MAP_TRANSPORT, "far.org", "smtp:[host]"},
    {MAP_TRANSPORT, "al@far.org", "lmtp:unix:/x"},
};

static const char *broken; /* a key that cannot be asked */

static void
fetch(struct facts *f)
{
	struct slice key = str_slice(&f->wanted_key);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].map != f->wanted_map || !slice_is(key, table[i].key))
			continue;
		facts_learn(f, FACT_FOUND, slice_of(table[i].value));
		return;
	}
	facts_learn(f, broken != NULL && slice_is(key, broken) ? FACT_LATER : FACT_NONE, slice_of(""));
}

/* The answer as text: "ok field|field|", "no", "later". */
static const char *
ask_as(enum inquiry_kind kind, const char *address, const char *login)
{
	static char text[4096];
	static const char *const words[] = {"ok", "no", "later"};
	static const struct resolve_options options = {.recipient_delimiter = "+", .postmaster = "al@our.org",
	    .mail_root = "/var/vmail/", .hostname = "host.our.org"};
	static struct users_cdb users;
	struct fact_source source = {.users = &users, .any_sql = true};
	memset(source.sql, 1, sizeof source.sql);
	struct resolution r;
	assert_true(resolution_begin(&r, kind, &options, &source, address, login));
	enum verdict v;
	while ((v = resolve(&r)) == VERDICT_WAIT)
		fetch(&r.facts);
	snprintf(text, sizeof text, "%s", words[v]);
	size_t at = strlen(text);
	if (v == VERDICT_OK)
		text[at++] = ' ';
	for (size_t i = 0; v == VERDICT_OK && i < r.fields.len; i++)
		text[at++] = r.fields.data[i] != '\0' ? r.fields.data[i] : '|';
	text[at] = '\0';
	resolution_end(&r);
	return text;
}

#define expect(kind, address, answer) assert_string_equal(ask_as(INQUIRY_##kind, address, ""), answer)

static void
classes(void **state)
{
	(void)state;
	expect(RCPT, "al@our.org", "ok mailbox|");
	expect(RCPT, "AL+Box@our.org", "ok mailbox|");
	expect(RCPT, "sales@our.org", "ok alias|");
	expect(RCPT, "sales+x@our.org", "ok alias|");
	expect(RCPT, "both@our.org", "ok alias|");
	expect(RCPT, "nobody@our.org", "ok unknown|");
	expect(RCPT, "real@all.org", "ok mailbox|");
	expect(RCPT, "any@all.org", "ok alias|");
	expect(RCPT, "x@relay.org", "ok relay|");
	expect(RCPT, "x@far.org", "ok foreign|");
	expect(RCPT, "Postmaster@our.org", "ok alias|");
	expect(RCPT, "postmaster@far.org", "ok foreign|");
	expect(RCPT, "postmaster", "ok alias|");
	expect(RCPT, "nobody", "ok unknown|");
	expect(RCPT, "", "ok unknown|");
}

static void
aliases(void **state)
{
	(void)state;
	expect(ALIAS, "sales@our.org", "ok al@our.org|\"a,b\"@x.org|bo@our.org|");
	expect(ALIAS, "sales+Ex@our.org", "ok al+Ex@our.org|\"a,b\"@x.org|bo+Ex@our.org|");
	expect(ALIAS, "both@our.org", "ok both@our.org|al@our.org|");
	/* PostfixAdmin's row for a mailbox: that of the address without the extension is not asked any more. */
	expect(ALIAS, "sales+eu@our.org", "no");
	expect(RCPT, "sales+eu@our.org", "ok mailbox|");
	expect(ALIAS, "al@our.org", "no");
	expect(ALIAS, "nobody@our.org", "no");
	expect(ALIAS, "any@all.org", "ok al@our.org|");
	expect(ALIAS, "Any+x@alias.org", "ok Any+x@our.org|");
	expect(ALIAS, "local@our.org", "ok root@host.our.org|");
	expect(ALIAS, "postmaster@all.org", "ok al@our.org|");
	expect(ALIAS, "postmaster", "ok al@our.org|");
}

static void
mailboxes(void **state)
{
	(void)state;
	expect(MAILBOX, "Al@our.org", "ok al@our.org|our.org/al/|5242880|1000||");
	expect(MAILBOX, "al+Foo@our.org", "ok al@our.org|our.org/al/|5242880|1000|Foo|");
	expect(MAILBOX, "bo@our.org", "ok bo@our.org|our.org/bo/|0|0||");
	expect(MAILBOX, "bo+x@our.org", "ok bo+x@our.org|our.org/box/|0|0||");
	expect(MAILBOX, "evil@our.org", "later");
	expect(MAILBOX, "sales@our.org", "no");
	expect(HOME, "al/our.org", "ok al@our.org|our.org/al/|5242880|1000|");
	expect(HOME, "al+x@our.org", "no");
	expect(PASSWORD, "AL@our.org", "ok al@our.org|hash|");
	expect(PASSWORD, "al", "no");
}

static void
transports(void **state)
{
	(void)state;
	expect(TRANSPORT, "x@far.org", "ok smtp:[host]|");
	expect(TRANSPORT, "al@far.org", "ok lmtp:unix:/x|");
	expect(TRANSPORT, "x@else.org", "no");
}

static void
senders(void **state)
{
	(void)state;
	static const struct {
		const char *login, *address, *answer;
	} rows[] = {
	    {"al@our.org", "al@our.org", "ok "},
	    {"AL@our.org", "Al+x@our.org", "ok "},
	    {"al@our.org", "sales@our.org", "ok "},
	    /* With an extension it may be another's mailbox or alias. */
	    {"bo@our.org", "bo+y@our.org", "ok "},
	    {"bo@our.org", "bo+x@our.org", "no"},
	    {"bo+x@our.org", "bo+x@our.org", "ok "},
	    {"sales@our.org", "sales+eu@our.org", "no"},
	    {"al@our.org", "any@all.org", "ok "},
	    {"al@our.org", "al@alias.org", "ok "},
	    {"al@our.org", "postmaster@our.org", "ok "},
	    {"al@our.org", "bo@our.org", "no"},
	    {"al@our.org", "real@all.org", "no"},
	    {"bo@our.org", "al@alias.org", "no"},
	    {"al@our.org", "al@far.org", "no"},
	    {"al@our.org", "", "no"},
	    {"", "", "no"},
	    {"", "al@our.org", "no"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(ask_as(INQUIRY_SENDER, rows[i].address, rows[i].login), rows[i].answer);
}

/* Each fact that cannot be had makes the answer "later": never unknown, never foreign. */
static void
an_outage_is_never_no(void **state)
{
	(void)state;
	static const char *const keys[] = {"our.org", "nobody@our.org", "nobody+x@our.org", "@our.org"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		broken = keys[i];
		/* our.org and the rest are in the table, so only what is not there is broken. */
		if (strcmp(broken, "our.org") != 0)
			expect(RCPT, "nobody+x@our.org", "later");
		broken = NULL;
	}
	broken = "far.org";
	expect(RCPT, "x@far.org", "later");
	broken = "nobody@our.org";
	expect(PASSWORD, "nobody@our.org", "later");
	expect(MAILBOX, "nobody@our.org", "later");
	expect(ALIAS, "nobody@our.org", "later");
	assert_string_equal(ask_as(INQUIRY_SENDER, "nobody@our.org", "al@our.org"), "later");
	broken = NULL;
}

static void
without_any_source_nothing_is_known(void **state)
{
	(void)state;
	static const struct resolve_options options = {.recipient_delimiter = "", .postmaster = "", .mail_root = "/", .hostname = "h"};
	static struct users_cdb users;
	struct fact_source source = {.users = &users};
	struct resolution r;
	assert_true(resolution_begin(&r, INQUIRY_RCPT, &options, &source, "a@b", ""));
	assert_int_equal(resolve(&r), VERDICT_LATER);
	resolution_end(&r);
}

static void
maildirs(void **state)
{
	(void)state;
	assert_true(maildir_is_safe(slice_of("a/b/")));
	assert_true(maildir_is_safe(slice_of("a..b/...")));
	assert_false(maildir_is_safe(slice_of("")));
	assert_false(maildir_is_safe(slice_of("/a")));
	assert_false(maildir_is_safe(slice_of("a/../b")));
	assert_false(maildir_is_safe(slice_of("..")));
	assert_false(maildir_is_safe(slice_of("./a")));
	assert_false(maildir_is_safe(slice_of("a//b")));
	assert_false(maildir_is_safe(slice_of("a\nb")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(classes),
	    cmocka_unit_test(aliases),
	    cmocka_unit_test(mailboxes),
	    cmocka_unit_test(transports),
	    cmocka_unit_test(senders),
	    cmocka_unit_test(an_outage_is_never_no),
	    cmocka_unit_test(without_any_source_nothing_is_known),
	    cmocka_unit_test(maildirs),
	};
	log_set_level(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
