/* Dovecot's dovecot-sql.conf.ext: its lines, its connect line, its variables, its quota rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/query_list.h"
#include "authd/query_quota.h"
#include "lib/base/log.h"

static const struct query_key ann = {{"Ann.Lee@Example.org", 19}, {"imap", 4}, {"192.0.2.1", 9}};

/* The value of one variable within quotes. */
static void
becomes(const char *variable, const struct query_key *key, const char *value)
{
	char query[200] = "SELECT '";
	strcat(strcat(query, variable), "'");
	struct query_template t;
	const char *problem = query_template_parse(&t, QUERY_DOVECOT, slice_of(query));
	if (problem != NULL)
		fail_msg("%s: %s", query, problem);
	assert_string_equal(str_text(&t.sql), "SELECT ?");
	struct str out = STR_MOST(1000);
	assert_true(expansion_apply(&t.parameters[0], key, slice_of(""), &out));
	if (strcmp(str_text(&out), value) != 0)
		fail_msg("%s gives \"%s\", not \"%s\"", variable, str_text(&out), value);
	str_free(&out);
	query_template_free(&t);
}

static void
variables(void **state)
{
	(void)state;
	static const char *const table[][2] = {
	    {"%u", "Ann.Lee@Example.org"}, {"%n", "Ann.Lee"}, {"%d", "Example.org"}, {"%s", "imap"}, {"%r", "192.0.2.1"},
	    {"%{user}", "Ann.Lee@Example.org"}, {"%{username}", "Ann.Lee"}, {"%{domain}", "Example.org"}, {"%{service}", "imap"},
	    {"%{rip}", "192.0.2.1"}, {"%{remote_ip}", "192.0.2.1"}, {"%{auth_user}", "Ann.Lee@Example.org"}, {"%{orig_domain}", "Example.org"},
	    {"%L{user}", "ann.lee@example.org"}, {"a%n-%d%%", "aAnn.Lee-Example.org%"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		becomes(table[i][0], &ann, table[i][1]);
}

static void
modifiers(void **state)
{
	(void)state;
	static const char *const table[][2] = {
	    {"%Lu", "ann.lee@example.org"}, {"%Un", "ANN.LEE"}, {"%LUd", "EXAMPLE.ORG"}, {"%ULd", "example.org"},
	    /* the first bytes; from an offset on; from an offset that is counted from the end */
	    {"%2n", "An"}, {"%1.3n", "nn."}, {"%2.1n", "n"}, {"%-2.2n", "ee"}, {"%-3.2n", "Le"}, {"%2Ln", "an"}, {"%1.2Ud", "XA"},
	    /* all but the last */
	    {"%-2n", "Ann.L"}, {"%0.-2n", "Ann.L"}, {"%1.-1n", "nn.Le"}, {"%-9n", ""},
	    /* outside */
	    {"%50n", "Ann.Lee"}, {"%9.2n", ""}, {"%-50.2n", "An"}, {"%0.0n", "Ann.Lee"},
	    /* filled up, not cut */
	    {"%09n", "00Ann.Lee"}, {"%03n", "Ann.Lee"}, {"%4.05n", "00Lee"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		becomes(table[i][0], &ann, table[i][1]);
}

static void
an_empty_part_is_an_empty_text(void **state)
{
	(void)state;
	const struct query_key plain = {.text = {"ann", 3}};
	becomes("%n|%d|%s|%r", &plain, "ann|||");
	becomes("%1Ld", &plain, "");
	becomes("%03d", &plain, "000");
}

static void
refused(const char *query, const char *reason)
{
	struct query_template t;
	const char *problem = query_template_parse(&t, QUERY_DOVECOT, slice_of(query));
	if (problem == NULL)
		fail_msg("not refused: %s", query);
	if (strstr(problem, reason) == NULL)
		fail_msg("%s: refused because %s", query, problem);
	query_template_free(&t);
}

static void
what_has_no_value_here_is_refused(void **state)
{
	(void)state;
	static const char *const unknown[] = {"%w", "%p", "%l", "%a", "%Eu", "%Hu", "%Mu", "%Xu", "%1", "%L2n", "%-n", "%1.n", "%", "%99999999999n"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		char query[100] = "SELECT '";
		refused(strcat(strcat(query, unknown[i]), "'"), "a %");
	}
	refused("SELECT '%{password}'", "long names");
	refused("SELECT '%{user'", "long names");
	refused("SELECT '%{}'", "long names");
	refused("SELECT a FROM users_%d", "part of a name");
	refused("SELECT a FROM %{domain}", "table");
	refused("SELECT a FROM `%d`", "name or comment");
}

static void
placeholders_become_parameters(void **state)
{
	(void)state;
	struct query_template t;
	assert_null(query_template_parse(&t, QUERY_DOVECOT,
	    slice_of("SELECT pw AS password FROM u WHERE LOWER(name) = LOWER('%n') AND host LIKE '%%.%Ld' AND port = %{service} AND 7 %% 2")));
	assert_string_equal(str_text(&t.sql), "SELECT pw AS password FROM u WHERE LOWER(name) = LOWER(?) AND host LIKE ? AND port = ? AND 7 % 2");
	assert_true(query_template_uses_client(&t));
	query_template_free(&t);
}

/* --- files ----------------------------------------------------------------------------- */

static void
parsed(struct query_file *q, enum map map, const char *text)
{
	struct str problem = STR_MOST(1024);
	if (!query_file_parse(q, map, "test.ext", slice_of(text), &problem))
		fail_msg("%s", str_text(&problem));
	str_free(&problem);
}

static void
wrong(enum map map, const char *text, const char *reason)
{
	struct query_file q;
	struct str problem = STR_MOST(1024);
	assert_false(query_file_parse(&q, map, "test.ext", slice_of(text), &problem));
	if (strstr(str_text(&problem), reason) == NULL)
		fail_msg("refused because %s", str_text(&problem));
	str_free(&problem);
	query_file_free(&q);
}

static const char whole[] =
    "# accounts\n"
    "driver = mysql\n"
    "  connect = host=db1 host=/run/a.sock host=192.0.2.7 \\\n"
    "    port=3307 dbname=mail user=dovecot password=a=b client_flags=2 # the first counts\n"
    "default_pass_scheme = SHA512-CRYPT\n"
    "\n"
    "password_query = SELECT email AS user, \\\n"
    "  # a comment between\n"
    "  password FROM users \\\n"
    "\tWHERE email = '%u#' AND x = '%s'\n"
    "user_query = \"SELECT home FROM users WHERE email = '%Lu'\"\n"
    "iterate_query = SELECT email AS user FROM users";

static void
a_whole_file(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q, MAP_PASSWORD, whole);
	assert_int_equal(q.dialect, QUERY_DOVECOT);
	assert_string_equal(str_text(&q.query.sql), "SELECT email AS user, password FROM users WHERE email = ? AND x = ?");
	assert_string_equal(q.password_scheme, "SHA512-CRYPT");
	assert_string_equal(q.access.user, "dovecot");
	assert_string_equal(q.access.password, "a=b");
	assert_string_equal(q.access.database, "mail");
	assert_int_equal(q.access.flags, 2);
	assert_int_equal(q.access.host_count, 3);
	assert_string_equal(q.access.hosts[0].name, "db1");
	assert_int_equal(q.access.hosts[0].port, 3307);
	assert_string_equal(q.access.hosts[1].socket, "/run/a.sock");
	assert_string_equal(q.access.hosts[2].name, "192.0.2.7");
	query_file_free(&q);
	parsed(&q, MAP_MAILBOX, whole);
	assert_string_equal(str_text(&q.query.sql), "SELECT home FROM users WHERE email = ?");
	query_file_free(&q);
}

static void
what_is_not_said(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q, MAP_PASSWORD, "password_query = SELECT '%u'");
	assert_string_equal(q.password_scheme, "CRYPT");
	assert_string_equal(q.access.hosts[0].name, "localhost");
	assert_false(q.access.hosts[0].internet);
	assert_false(query_access_wants_tls(&q.access));
	query_file_free(&q);
}

static void
tls(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q, MAP_PASSWORD, "password_query = SELECT '%u'\nconnect = host=db ssl_ca=/ca.pem ssl_ca_path=/ca ssl_cert=/c ssl_key=/k ssl_cipher=HIGH "
	    "ssl_verify_server_cert=yes option_file=/my.cnf option_group=mail connect_timeout=3\n");
	assert_string_equal(q.access.tls_ca_file, "/ca.pem");
	assert_string_equal(q.access.tls_ca_path, "/ca");
	assert_string_equal(q.access.tls_cert_file, "/c");
	assert_string_equal(q.access.tls_key_file, "/k");
	assert_string_equal(q.access.tls_ciphers, "HIGH");
	assert_string_equal(q.access.option_file, "/my.cnf");
	assert_string_equal(q.access.option_group, "mail");
	assert_true(q.access.tls_verify && query_access_wants_tls(&q.access));
	query_file_free(&q);
}

static void
mistakes_name_their_line(void **state)
{
	(void)state;
	wrong(MAP_PASSWORD, "driver = pgsql\npassword_query = SELECT '%u'", "line 1: driver must be mysql");
	wrong(MAP_PASSWORD, "driver = mysql\n\nconnect = host=a nonsense\npassword_query = SELECT '%u'", "line 3: connect");
	wrong(MAP_PASSWORD, "connect = \\\n port=99999\npassword_query = SELECT '%u'", "line 1: connect");
	wrong(MAP_PASSWORD, "connect = host=a ssl_verify_server_cert=perhaps\npassword_query = SELECT '%u'", "line 1: connect");
	wrong(MAP_PASSWORD, "driver = mysql\npassword_query = SELECT \\\n '%w'", "line 2: a %");
	wrong(MAP_PASSWORD, "driver = mysql\nnonsense", "line 2: a line must be");
	wrong(MAP_PASSWORD, "user_query = SELECT '%u'", "no password_query");
	wrong(MAP_MAILBOX, "password_query = SELECT '%u'", "no user_query");
	wrong(MAP_ALIAS, whole, "sql_passwords, sql_mailboxes and sql_quotas");
	wrong(MAP_DOMAIN, whole, "mysql_table(5)");
}

static void
who_asks_is_known_to_count(void **state)
{
	(void)state;
	static struct query_lists lists;
	lists.count = 2;
	lists.maps[0] = MAP_MAILBOX;
	lists.maps[1] = MAP_PASSWORD;
	parsed(&lists.files[0], MAP_MAILBOX, whole);
	parsed(&lists.files[1], MAP_PASSWORD, whole);
	assert_true(query_lists_use_client(&lists));
	assert_true(query_lists_map_uses_client(&lists, MAP_PASSWORD));
	assert_false(query_lists_map_uses_client(&lists, MAP_MAILBOX));
	query_file_free(&lists.files[1]);
	lists.count = 1;
	assert_false(query_lists_use_client(&lists));
	query_file_free(&lists.files[0]);
}

/* --- quotas -------------------------------------------------------------------------------- */

/* NULL: the row has none. */
static void
quota(const char *name, const char *text, const char *value)
{
	struct str row = STR_MOST(1000), out = STR_MOST(1000);
	row_add(&row, slice_of("home"), slice_of("/home/x"));
	row_add(&row, slice_of(name), slice_of(text));
	bool any = query_quota_of_row(str_slice(&row), &out);
	if (any != (value != NULL) || strcmp(str_text(&out), value != NULL ? value : "") != 0)
		fail_msg("%s = %s gives \"%s\"", name, text, str_text(&out));
	str_free(&row);
	str_free(&out);
}

static void
quotas(void **state)
{
	(void)state;
	quota("quota_rule", "*:storage=5G", "5368709120,0");
	quota("quota_rule", "*:storage=10240", "10485760,0");
	quota("quota_rule", "*:storage=10m:messages=1000", "10485760,1000");
	quota("quota_rule2", "*:bytes=5000", "5000,0");
	quota("userdb_quota_rule", "*:bytes=1k", "1024,0");
	quota("quota_rule", "*:messages=7", "0,7");
	quota("quota_rule", "*:storage=0", "0,0");
	quota("quota_rule", "Trash:storage=+100M", NULL);
	quota("quota_rule", "*:ignore", NULL);
	quota("quota_rule", "*:storage=lots", "*:storage=lots");
	quota("quota_rule", "*:storage=99999999999999G", "*:storage=99999999999999G");
	quota("quota", "1048576", "1048576");
	quota("quota", "5242880S,1000C", "5242880S,1000C");
	quota("quota", "maildir:storage=1024", "1048576,0");
	quota("quota", "maildir:User quota", NULL);
	quota("quota", "", NULL);
	quota("quota_bytes", "77", "77");
	quota("mail", "maildir:/x", NULL);
}

int
main(void)
{
	log_set_level(LOG_ERROR + 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(variables),
	    cmocka_unit_test(modifiers),
	    cmocka_unit_test(an_empty_part_is_an_empty_text),
	    cmocka_unit_test(what_has_no_value_here_is_refused),
	    cmocka_unit_test(placeholders_become_parameters),
	    cmocka_unit_test(a_whole_file),
	    cmocka_unit_test(what_is_not_said),
	    cmocka_unit_test(tls),
	    cmocka_unit_test(mistakes_name_their_line),
	    cmocka_unit_test(who_asks_is_known_to_count),
	    cmocka_unit_test(quotas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
