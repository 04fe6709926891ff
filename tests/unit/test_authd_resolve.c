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

static char wide[59000]; /* targets: 58 users, and the last of them again and again */

static const struct {
	enum map    map;
	const char *key, *value;
} table[] = {
    {MAP_ALIAS, "wide@our.org", wide},
    {MAP_DOMAIN, "our.org", "1"},
    {MAP_DOMAIN, "all.org", "1"},
    {MAP_RELAY_DOMAIN, "relay.org", "1"},
    {MAP_RELAY_DOMAIN, "catch.org", "1"},
    {MAP_ALIAS, "info@relay.org", "al@our.org"},
    {MAP_ALIAS, "self@catch.org", "self@catch.org"},
    {MAP_ALIAS, "@catch.org", "boss@catch.org"},
    {MAP_RELAY_DOMAIN, "to-us.org", "1"},
    {MAP_ALIAS, "@to-us.org", "@our.org"},
    {MAP_RELAY_DOMAIN, "to-itself.org", "1"},
    {MAP_ALIAS, "@to-itself.org", "@to-itself.org"},
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
    {MAP_TRANSPORT, ".below.org", "smtp:[below]"},
    {MAP_TRANSPORT, "moved@our.org", "smtp:[new]"},
    {MAP_TRANSPORT, "our.org", "virtual:"},
    {MAP_MAILBOX, "moved@our.org", "our.org/moved/"},
    {MAP_TRANSPORT, "nothing.org", ":"},
    {MAP_TRANSPORT, "bracket.org", "smtp:[bracket"},
    {MAP_TRANSPORT, "left@our.org", "error:5.1.6 gone"},
    {MAP_TRANSPORT, "left@relay.org", "error:gone"},
    {MAP_TRANSPORT, "busy@our.org", "error:4.2.1 later"},
    {MAP_TRANSPORT, "pigeon@our.org", "pigeon:"},
    {MAP_MAILBOX, "left@our.org", "our.org/left/"},
    {MAP_MAILBOX, "busy@our.org", "our.org/busy/"},
    {MAP_MAILBOX, "pigeon@our.org", "our.org/pigeon/"},
    {MAP_SENDER_RELAY, "al@our.org", "[als]:587"},
    {MAP_SENDER_RELAY, "@our.org", "ours:25"},
    {MAP_SENDER_RELAY, "guest@our.org", "DUNNO"},
    {MAP_SENDER_RELAY, "odd@our.org", "two words"},
    {MAP_SENDER_RELAY, "<>", "[bounces]"},
    {MAP_SENDER_BCC, "al@our.org", "keep@our.org, second@our.org"},
    {MAP_RECIPIENT_BCC, "@our.org", "all@our.org"},
    /* Aliases of aliases, and one that leads back. */
    {MAP_ALIAS, "team@our.org", "half@our.org, other@far.org"},
    {MAP_ALIAS, "half@our.org", "bo+box@our.org, team@our.org"},
    {MAP_SENDER, "news@our.org", "bo@our.org,al@our.org"},
    {MAP_SENDER, "@granted.org", "al@our.org"},
    /* What mailboxes hold. */
    {MAP_MAILBOX, "fat@our.org", "our.org/fat/"},
    {MAP_QUOTA, "fat@our.org", "1000"},
    {MAP_USED, "fat@our.org", "1000"},
    {MAP_MESSAGE_SIZE, "bo@our.org", "20480"},
    {MAP_DOMAIN, "full.org", "1"},
    {MAP_MAILBOX, "a@full.org", "full.org/a/"},
    {MAP_DOMAIN, "forms.org", "1"},
    {MAP_DOMAIN_QUOTA, "shared.org", "5M"},
    {MAP_DOMAIN, "shared.org", "1"},
    {MAP_MAILBOX, "al@shared.org", "shared.org/al/"},
    {MAP_MAILBOX, "bytes@forms.org", "forms.org/bytes/"},
    {MAP_QUOTA, "bytes@forms.org", "5242880"},
    {MAP_MAILBOX, "sized@forms.org", "forms.org/sized/"},
    {MAP_QUOTA, "sized@forms.org", "5M"},
    {MAP_MAILBOX, "both@forms.org", "forms.org/both/"},
    {MAP_QUOTA, "both@forms.org", "5M,100"},
    {MAP_MAILBOX, "courier@forms.org", "forms.org/courier/"},
    {MAP_QUOTA, "courier@forms.org", "10000000S,1000C"},
    {MAP_MAILBOX, "count@forms.org", "forms.org/count/"},
    {MAP_QUOTA, "count@forms.org", "1000C"},
    {MAP_MAILBOX, "decimal@forms.org", "forms.org/decimal/"},
    {MAP_QUOTA, "decimal@forms.org", "10485760.00"},
    {MAP_MAILBOX, "storage@forms.org", "forms.org/storage/"},
    {MAP_QUOTA, "storage@forms.org", "*:storage=1024"},
    {MAP_MAILBOX, "storagem@forms.org", "forms.org/storagem/"},
    {MAP_QUOTA, "storagem@forms.org", "*:storage=10M:messages=5"},
    {MAP_MAILBOX, "rulebytes@forms.org", "forms.org/rulebytes/"},
    {MAP_QUOTA, "rulebytes@forms.org", "*:bytes=5000"},
    {MAP_MAILBOX, "rulemessages@forms.org", "forms.org/rulemessages/"},
    {MAP_QUOTA, "rulemessages@forms.org", "*:messages=7"},
    {MAP_MAILBOX, "zero@forms.org", "forms.org/zero/"},
    {MAP_QUOTA, "zero@forms.org", "0"},
    {MAP_MAILBOX, "minus@forms.org", "forms.org/minus/"},
    {MAP_QUOTA, "minus@forms.org", "-1"},
    {MAP_MAILBOX, "noquota@forms.org", "forms.org/noquota/"},
    {MAP_QUOTA, "noquota@forms.org", "NOQUOTA"},
    {MAP_MAILBOX, "nothing@forms.org", "forms.org/nothing/"},
    {MAP_QUOTA, "nothing@forms.org", ""},
    {MAP_MAILBOX, "zeros@forms.org", "forms.org/zeros/"},
    {MAP_QUOTA, "zeros@forms.org", "0S,0C"},
    {MAP_MAILBOX, "words@forms.org", "forms.org/words/"},
    {MAP_QUOTA, "words@forms.org", "lots"},
    {MAP_MAILBOX, "folder@forms.org", "forms.org/folder/"},
    {MAP_QUOTA, "folder@forms.org", "Trash:storage=+1M"},
    {MAP_DOMAIN_QUOTA, "full.org", "5M"},
    {MAP_DOMAIN_USED, "full.org", "6000000"},
    /* Rows of a Dovecot user_query. */
    {MAP_MAILBOX, "dove@our.org", "home\x1f/var/vmail/our.org/dove\x1fmail\x1fmaildir:/var/vmail/our.org/dove/Mail:INDEX=/x"},
    {MAP_MAILBOX, "home@our.org", "uid\x1f" "5\x1fhome\x1f/var/vmail/our.org/home"},
};

static struct local_aliases aliases_file = {.file = {.path = ""}};
static struct usage usage;
static struct resolve_options options = {.recipient_delimiter = "+", .postmaster = "al@our.org", .mail_root = "/var/vmail/",
    .hostname = "host.our.org", .mailbox_path = "", .default_domain = "", .local_domains = ""};

static const char *broken; /* a key that cannot be asked */
static size_t fetched;

static void
fetch(struct facts *f)
{
	char text[MAP_KEY_MOST + 1];
	enum map map = f->wanted[0].map;
	/* The key is not the facts' any more when they have learned it. */
	snprintf(text, sizeof text, "%s", str_text(&f->wanted[0].key));
	struct slice key = slice_of(text);
	fetched++;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].map != map || !slice_is(key, table[i].key))
			continue;
		facts_learn(f, map, key, FACT_FOUND, slice_of(table[i].value));
		return;
	}
	facts_learn(f, map, key, broken != NULL && slice_is(key, broken) ? FACT_LATER : FACT_NONE, slice_of(""));
}

/* The answer as text: "ok field|field|", "no", "later". */
static const char *
ask_as(enum inquiry_kind kind, const char *address, const char *login)
{
	static char text[4096];
	static const char *const words[] = {"ok", "no", "later"};
	options.aliases = &aliases_file;
	options.usage = &usage;
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
	expect(ALIAS, "Al+x@alias.org", "ok Al+x@our.org|");
	/* Nobody of that name at the other domain: a stranger's mail would bounce. */
	expect(ALIAS, "Any+x@alias.org", "no");
	expect(RCPT, "any@alias.org", "ok unknown|");
	expect(RCPT, "al@alias.org", "ok alias|");
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
	expect(MAILBOX, "dove@our.org", "ok dove@our.org|our.org/dove/Mail/|0|0||");
	expect(MAILBOX, "home@our.org", "ok home@our.org|our.org/home/|0|0||");
}

static void
a_pattern_says_where_mailboxes_are(void **state)
{
	(void)state;
	options.mailbox_path = "/var/vmail/%d/%n";
	expect(MAILBOX, "al+x@our.org", "ok al@our.org|our.org/al/|5242880|1000|x|");
	options.mailbox_path = "%h/Maildir";
	expect(MAILBOX, "al@our.org", "ok al@our.org|our.org/al/Maildir/|5242880|1000||");
	expect(MAILBOX, "home@our.org", "ok home@our.org|our.org/home/Maildir/|0|0||");
	options.mailbox_path = "../%n";
	expect(MAILBOX, "al@our.org", "later");
	options.mailbox_path = "";
}

static void
a_default_domain_completes_logins(void **state)
{
	(void)state;
	options.default_domain = "our.org";
	expect(PASSWORD, "al", "ok al@our.org|hash|");
	expect(PASSWORD, "al@far.org", "no");
	expect(PASSWORD, "", "no");
	assert_string_equal(ask_as(INQUIRY_SENDER, "al@our.org", "al"), "ok ");
	options.default_domain = "";
}

static void
forms_of_quotas(void **state)
{
	(void)state;
	expect(MAILBOX, "bytes@forms.org", "ok bytes@forms.org|forms.org/bytes/|5242880|0||");
	expect(MAILBOX, "sized@forms.org", "ok sized@forms.org|forms.org/sized/|5242880|0||");
	expect(MAILBOX, "both@forms.org", "ok both@forms.org|forms.org/both/|5242880|100||");
	expect(MAILBOX, "courier@forms.org", "ok courier@forms.org|forms.org/courier/|10000000|1000||");
	expect(MAILBOX, "count@forms.org", "ok count@forms.org|forms.org/count/|0|1000||");
	expect(MAILBOX, "decimal@forms.org", "ok decimal@forms.org|forms.org/decimal/|10485760|0||");
	expect(MAILBOX, "storage@forms.org", "ok storage@forms.org|forms.org/storage/|1048576|0||");
	expect(MAILBOX, "storagem@forms.org", "ok storagem@forms.org|forms.org/storagem/|10485760|5||");
	expect(MAILBOX, "rulebytes@forms.org", "ok rulebytes@forms.org|forms.org/rulebytes/|5000|0||");
	expect(MAILBOX, "rulemessages@forms.org", "ok rulemessages@forms.org|forms.org/rulemessages/|0|7||");
	expect(MAILBOX, "zero@forms.org", "ok zero@forms.org|forms.org/zero/|0|0||");
	expect(MAILBOX, "minus@forms.org", "ok minus@forms.org|forms.org/minus/|0|0||");
	expect(MAILBOX, "noquota@forms.org", "ok noquota@forms.org|forms.org/noquota/|0|0||");
	expect(MAILBOX, "nothing@forms.org", "ok nothing@forms.org|forms.org/nothing/|0|0||");
	expect(MAILBOX, "zeros@forms.org", "ok zeros@forms.org|forms.org/zeros/|0|0||");
	expect(MAILBOX, "words@forms.org", "ok words@forms.org|forms.org/words/|0|0||");
	expect(MAILBOX, "folder@forms.org", "ok folder@forms.org|forms.org/folder/|0|0||");
}

static void
a_domains_sum_goes_with_its_users(void **state)
{
	(void)state;
	expect(MAILBOX, "al@shared.org", "ok al@shared.org|shared.org/al/|0|0||5242880|");
	expect(HOME, "al@shared.org", "ok al@shared.org|shared.org/al/|0|0|5242880|");
	expect(RCPT, "al@shared.org", "ok mailbox|");
	usage_tell(&usage, slice_of("al@shared.org"), (struct usage_record){.bytes = 1000});
	usage_tell(&usage, slice_of("@shared.org"), (struct usage_record){.bytes = 5242880, .messages = 9});
	expect(RCPT, "al@shared.org", "ok full|");
	usage_tell(&usage, slice_of("al@shared.org"), (struct usage_record){.bytes = 999});
	expect(RCPT, "al@shared.org", "ok mailbox|");
	/* Of one who was not told of before nothing is known to have changed: the sum is told beside it. */
	usage_tell(&usage, slice_of("bo@shared.org"), (struct usage_record){.bytes = 5000});
	expect(RCPT, "al@shared.org", "ok mailbox|");
	usage_tell(&usage, slice_of("bo@shared.org"), (struct usage_record){.bytes = 5001});
	expect(RCPT, "al@shared.org", "ok full|");
}

static void
full_mailboxes(void **state)
{
	(void)state;
	expect(RCPT, "fat@our.org", "ok full|");
	expect(RCPT, "a@full.org", "ok full|");
	expect(RCPT, "bo@our.org", "ok mailbox|20480|");
	usage_tell(&usage, slice_of("al@our.org"), (struct usage_record){.bytes = 5242880});
	expect(RCPT, "al@our.org", "ok full|");
	usage_tell(&usage, slice_of("al@our.org"), (struct usage_record){.bytes = 5242879, .messages = 1000});
	expect(RCPT, "al@our.org", "ok full|");
	usage_tell(&usage, slice_of("al@our.org"), (struct usage_record){.bytes = 5242879, .messages = 999});
	expect(RCPT, "al@our.org", "ok mailbox|");
}

static void
the_aliases_file(void **state)
{
	(void)state;
	struct str problem = STR_MOST(200);
	aliases_file.file.path = "/etc/aliases";
	expect(RCPT, "root@host.our.org", "later");
	assert_true(local_aliases_parse(&aliases_file.table, "aliases", slice_of("postmaster: root\nroot: al@our.org, bo@our.org\n"), &problem));
	aliases_file.file.ready = true;
	expect(RCPT, "root@host.our.org", "ok alias|");
	expect(ALIAS, "Root+x@host.our.org", "ok al@our.org|bo@our.org|");
	expect(ALIAS, "postmaster@host.our.org", "ok root@host.our.org|");
	expect(RCPT, "nobody@host.our.org", "ok unknown|");
	assert_string_equal(ask_as(INQUIRY_SENDER, "postmaster@host.our.org", "bo@our.org"), "ok ");
	local_aliases_free(&aliases_file.table);
	aliases_file.file.path = "";
	expect(RCPT, "root@host.our.org", "ok foreign|");
	str_free(&problem);
}

static void
transports(void **state)
{
	(void)state;
	expect(TRANSPORT, "x@far.org", "ok smtp:[host]|");
	expect(TRANSPORT, "al@far.org", "ok lmtp:unix:/x|");
	expect(TRANSPORT, "x@else.org", "no");
	expect(TRANSPORT, "al+x@far.org", "ok lmtp:unix:/x|");
	expect(TRANSPORT, "x@deep.down.below.org", "ok smtp:[below]|");
	expect(TRANSPORT, "x@below.org", "no");
	/* A mailbox that has moved; "virtual:" is here. */
	expect(RCPT, "moved@our.org", "ok relay|");
	/* Beneath a relay domain, but a bare top level is none. */
	expect(RCPT, "x@sub.relay.org", "ok relay|");
	expect(RCPT, "x@norelay.org", "ok foreign|");
}

static void
aliases_in_relay_domains(void **state)
{
	(void)state;
	expect(RCPT, "info@relay.org", "ok alias|");
	expect(ALIAS, "info+x@relay.org", "ok al+x@our.org|");
	expect(RCPT, "x@relay.org", "ok relay|");
	expect(ALIAS, "x@relay.org", "no");
	expect(ALIAS, "x@catch.org", "ok boss@catch.org|");
	/* What names itself, or is led to itself, is the other host's. */
	expect(RCPT, "self@catch.org", "ok relay|");
	expect(RCPT, "boss@catch.org", "ok relay|");
	expect(RCPT, "boss+x@catch.org", "ok alias|");
	expect(RCPT, "x@to-itself.org", "ok relay|");
	/* A domain that has another's users has not those that are not there. */
	expect(ALIAS, "al@to-us.org", "ok al@our.org|");
	expect(RCPT, "nobody@to-us.org", "ok unknown|");
}

/* transport(5): the whole address, without extension, domain, what is above it; then the sender's relay host. */
static void
transports_and_relay_hosts(void **state)
{
	(void)state;
	expect(TRANSPORT, "al@far.org", "ok lmtp:unix:/x|");
	expect(TRANSPORT, "al+x@far.org", "ok lmtp:unix:/x|");
	expect(TRANSPORT, "bo@far.org", "ok smtp:[host]|");
	expect(TRANSPORT, "x@a.b.below.org", "ok smtp:[below]|");
	expect(TRANSPORT, "x@below.org", "no");
	expect(TRANSPORT, "x@nothing.org", "no");
	expect(TRANSPORT, "x@bracket.org", "later");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "al@our.org"), "ok smtp:[als]:587|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "al+tag@our.org"), "ok smtp:[als]:587|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@nothing.org", "al@our.org"), "ok smtp:[als]:587|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@far.org", "al@our.org"), "ok smtp:[host]|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "bo@our.org"), "ok smtp:ours:25|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "guest@our.org"), "no");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "x@else.org"), "no");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", ""), "ok smtp:[bounces]|");
	assert_string_equal(ask_as(INQUIRY_WAY, "x@else.org", "odd@our.org"), "later");
}

/* What ends for ever is refused at RCPT; what waits is taken. */
static void
an_own_user_with_a_transport(void **state)
{
	(void)state;
	expect(RCPT, "moved@our.org", "ok relay|");
	expect(RCPT, "left@our.org", "ok unknown|");
	expect(RCPT, "busy@our.org", "ok relay|");
	expect(RCPT, "pigeon@our.org", "ok mailbox|");
	expect(RCPT, "al@our.org", "ok mailbox|");
	expect(RCPT, "left@relay.org", "ok unknown|");
}

static void
copies_are_named_by_address_or_domain(void **state)
{
	(void)state;
	expect(SENDER_BCC, "al@our.org", "ok keep@our.org|second@our.org|");
	expect(SENDER_BCC, "AL+x@our.org", "ok keep@our.org|second@our.org|");
	expect(SENDER_BCC, "bo@our.org", "no");
	expect(RECIPIENT_BCC, "bo@our.org", "ok all@our.org|");
	expect(RECIPIENT_BCC, "bo@else.org", "no");
	broken = "bo@our.org";
	expect(RECIPIENT_BCC, "bo@our.org", "later");
	broken = NULL;
}

static void
a_domain_of_many_labels_costs_few_questions(void **state)
{
	(void)state;
	char address[MAP_KEY_MOST] = "x@";
	for (size_t i = 0; i < 490; i++)
		strcat(address, "a.");
	strcat(address, "relay.org");
	fetched = 0;
	/* Relay domains above it, and transports above it. */
	expect(RCPT, address, "ok relay|");
	assert_true(fetched < 32);
	strcpy(strstr(address, "relay.org"), "below.org");
	fetched = 0;
	expect(TRANSPORT, address, "ok smtp:[below]|");
	assert_true(fetched < 16);
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
	    {"bo@our.org", "team@our.org", "ok "},
	    {"bo@our.org", "half+x@our.org", "ok "},
	    {"al@our.org", "team@our.org", "no"},
	    {"al@our.org", "news@our.org", "ok "},
	    {"al@our.org", "News+x@our.org", "ok "},
	    {"fat@our.org", "news@our.org", "no"},
	    {"al@our.org", "whoever@granted.org", "ok "},
	    {"bo@our.org", "whoever@granted.org", "no"},
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

/* What is done again for each fact is bounded: behind a thousand targets nothing is followed, however few names they are. */
static void
of_an_alias_of_many_targets_the_first_thousand_are_followed(void **state)
{
	(void)state;
	size_t len = 0;
	for (int i = 0; i < 900; i++)
		len += (size_t)snprintf(wide + len, sizeof wide - len, "u1@our.org,");
	snprintf(wide + len, sizeof wide - len, "half@our.org");
	assert_string_equal(ask_as(INQUIRY_SENDER, "wide@our.org", "bo@our.org"), "ok ");
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(wide + len, sizeof wide - len, "u1@our.org,");
	snprintf(wide + len, sizeof wide - len, "half@our.org");
	assert_string_equal(ask_as(INQUIRY_SENDER, "wide@our.org", "bo@our.org"), "no");
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
	    cmocka_unit_test(forms_of_quotas),
	    cmocka_unit_test(a_domains_sum_goes_with_its_users),
	    cmocka_unit_test(a_pattern_says_where_mailboxes_are),
	    cmocka_unit_test(a_default_domain_completes_logins),
	    cmocka_unit_test(full_mailboxes),
	    cmocka_unit_test(the_aliases_file),
	    cmocka_unit_test(transports),
	    cmocka_unit_test(aliases_in_relay_domains),
	    cmocka_unit_test(transports_and_relay_hosts), cmocka_unit_test(an_own_user_with_a_transport),
	    cmocka_unit_test(copies_are_named_by_address_or_domain), cmocka_unit_test(a_domain_of_many_labels_costs_few_questions),
	    cmocka_unit_test(senders),
	    cmocka_unit_test(of_an_alias_of_many_targets_the_first_thousand_are_followed),
	    cmocka_unit_test(an_outage_is_never_no),
	    cmocka_unit_test(without_any_source_nothing_is_known),
	    cmocka_unit_test(maildirs),
	};
	log_set_level(LOG_ERROR + 1);
	if (!usage_begin(&usage))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
