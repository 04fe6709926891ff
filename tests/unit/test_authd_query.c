/* Queries with placeholders become prepared statements, or are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/query_file.h"

/* The statement of a query, and the values that a key gives, with | behind each; "-": not looked up. */
static void
turned(const char *query, const char *sql, const char *key, const char *values)
{
	struct query_template t;
	const char *problem = query_template_parse(&t, QUERY_POSTFIX, slice_of(query));
	if (problem != NULL)
		fail_msg("%s: %s", query, problem);
	assert_string_equal(str_text(&t.sql), sql);
	struct str all = STR_MOST(4096);
	for (size_t i = 0; i < t.count; i++) {
		if (!expansion_apply(&t.parameters[i], &(struct query_key){.text = slice_of(key)}, slice_of(""), &all)) {
			str_set(&all, slice_of("-"));
			break;
		}
		str_append_byte(&all, '|');
	}
	assert_string_equal(str_text(&all), values);
	str_free(&all);
	query_template_free(&t);
}

static void
refused(const char *query, const char *reason)
{
	struct query_template t;
	const char *problem = query_template_parse(&t, QUERY_POSTFIX, slice_of(query));
	if (problem == NULL)
		fail_msg("not refused: %s", query);
	if (strstr(problem, reason) == NULL)
		fail_msg("%s: refused because %s", query, problem);
	query_template_free(&t);
}

static void
placeholders_become_parameters(void **state)
{
	(void)state;
	turned("SELECT goto FROM alias WHERE address='%s' AND active = '1'",
	    "SELECT goto FROM alias WHERE address=? AND active = '1'", "a@b.c", "a@b.c|");
	turned("SELECT 1 FROM t WHERE u=\"%u\" AND d='%d'", "SELECT 1 FROM t WHERE u=? AND d=?", "u@d.e", "u|d.e|");
	turned("SELECT CONCAT('%u', '@', x) FROM t", "SELECT CONCAT(?, '@', x) FROM t", "u@d.e", "u|");
	turned("SELECT a FROM t WHERE x LIKE '%s%%'", "SELECT a FROM t WHERE x LIKE ?", "k", "k%|");
	turned("SELECT a FROM t WHERE x = 'pre-%u-%d-post'", "SELECT a FROM t WHERE x = ?", "u@d", "pre-u-d-post|");
	turned("SELECT a FROM t WHERE x = '%1.%2.%3'", "SELECT a FROM t WHERE x = ?", "u@a.b.c", "c.b.a|");
	turned("SELECT a FROM t WHERE x = 'it''s %s'", "SELECT a FROM t WHERE x = ?", "k", "it's k|");
	turned("SELECT a FROM t WHERE x = 'a\\'b%s\\n'", "SELECT a FROM t WHERE x = ?", "k", "a'bk\n|");
	turned("SELECT a FROM t WHERE id = %s", "SELECT a FROM t WHERE id = ?", "7", "7|");
	turned("SELECT a FROM t WHERE x='%S' AND y='%U' AND z='%D'", "SELECT a FROM t WHERE x=? AND y=? AND z=?", "u@d", "u@d|u|d|");
}

static void
a_key_is_no_pattern(void **state)
{
	(void)state;
	turned("SELECT a FROM t WHERE x LIKE '%s%%'", "SELECT a FROM t WHERE x LIKE ?", "a_b%\\@c", "a\\_b\\%\\\\@c%|");
	turned("SELECT a FROM t WHERE x not like CONCAT('%u', LOWER('%d')) AND y = '%s'",
	    "SELECT a FROM t WHERE x not like CONCAT(?, LOWER(?)) AND y = ?", "a_b@c%", "a\\_b|c\\%|a_b@c%|");
	turned("SELECT a FROM t WHERE (x LIKE %s) AND y = '%s'", "SELECT a FROM t WHERE (x LIKE ?) AND y = ?", "_", "\\_|_|");
	turned("SELECT a FROM t WHERE CONCAT('%u') = x", "SELECT a FROM t WHERE CONCAT(?) = x", "_@c", "_|");
}

static void
exact_statements_compare_by_bytes(void **state)
{
	(void)state;
	struct query_template t;
	struct str sql = STR_MOST(4096);
	const bool exactly[] = {true, false, true};
	assert_null(query_template_parse(&t, QUERY_POSTFIX, slice_of("SELECT '?' FROM t WHERE u='%u' AND x='%d' /* ? */ AND s='%s'")));
	assert_true(query_template_exact(&t, exactly, &sql));
	assert_string_equal(str_text(&sql), "SELECT '?' FROM t WHERE u=CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin AND x=? /* ? */ AND s="
	                                    "CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin");
	str_free(&sql);
	query_template_free(&t);
}

static void
text_without_placeholders_stays(void **state)
{
	(void)state;
	turned("SELECT 'a%%b', \"it''s\", `q``q`, 7 %% 2 -- why\n", "SELECT 'a%b', \"it''s\", `q``q`, 7 % 2 -- why\n", "k", "");
	turned("SELECT 'a\\'%%' /* 100%% ' */", "SELECT 'a\\'%' /* 100% ' */", "k", "");
	turned("SELECT '?'", "SELECT '?'", "k", "");
	turned("SELECT a--1", "SELECT a--1", "k", "");
}

static void
a_key_without_the_part_is_not_looked_up(void **state)
{
	(void)state;
	turned("SELECT '%d'", "SELECT ?", "user", "-");
	turned("SELECT '%u'", "SELECT ?", "user", "user|");
	turned("SELECT '%u'", "SELECT ?", "@d", "-");
	turned("SELECT '%s'", "SELECT ?", "@d", "@d|");
	turned("SELECT '%3'", "SELECT ?", "u@a.b", "-");
	turned("SELECT '%d'", "SELECT ?", "u@", "-");
}

static void
what_cannot_be_bound_is_refused(void **state)
{
	(void)state;
	refused("SELECT a FROM %d WHERE x='%s'", "table");
	refused("SELECT a FROM users_%d WHERE x='%s'", "part of a name");
	refused("SELECT a FROM `%d` WHERE x='%s'", "name or comment");
	refused("SELECT a FROM t /* %s */", "name or comment");
	refused("SELECT a FROM t # %s", "name or comment");
	refused("SELECT a FROM t -- %s", "name or comment");
	refused("SELECT a FROM t WHERE x = '%s", "not closed");
	refused("SELECT `a FROM t", "not closed");
	refused("SELECT a FROM t WHERE x = '%q'", "must be followed");
	refused("SELECT a FROM t WHERE x = '100%'", "must be followed");
	refused("SELECT a FROM t WHERE x = %", "must be followed");
	refused("SELECT a FROM t WHERE x = N'%s'", "prefix");
	refused("SELECT a FROM t WHERE x = _utf8'%s'", "prefix");
	refused("SELECT a FROM t WHERE x = 'a' '%s'", "side by side");
	refused("SELECT a FROM t WHERE x = '%s' 'a'", "side by side");
	refused("SELECT a FROM t WHERE x = '\\%s'", "backslash");
	refused("SELECT a FROM t WHERE x = %s%d", "part of a name");
	refused("SELECT a FROM t WHERE x = ?", "outside quotes");
	refused("", "empty");
}

static void
too_many_placeholders_are_refused(void **state)
{
	(void)state;
	struct str query = STR_MOST(4096);
	str_append_text(&query, "SELECT 1");
	for (int i = 0; i < PARAMETERS_MOST + 1; i++)
		str_append_text(&query, ",'%s'");
	refused(str_text(&query), "too many");
	str_free(&query);
}

/* --- whole files ------------------------------------------------------------------- */

static void
parsed(struct query_file *q, const char *text)
{
	struct str problem = STR_MOST(1024);
	if (!query_file_parse(q, MAP_ALIAS, "test.cf", slice_of(text), &problem))
		fail_msg("%s", str_text(&problem));
	str_free(&problem);
}

static void
wrong(const char *text, const char *reason)
{
	struct query_file q;
	struct str problem = STR_MOST(1024);
	assert_false(query_file_parse(&q, MAP_ALIAS, "test.cf", slice_of(text), &problem));
	if (strstr(str_text(&problem), reason) == NULL)
		fail_msg("refused because %s", str_text(&problem));
	str_free(&problem);
	query_file_free(&q);
}

static void
old_and_new_form(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q,
	    "# comment\nuser = mail\npassword = a = b \nhosts = 127.0.0.1\ndbname=postfix\ntable = mailbox\n"
	    "select_field = CONCAT(domain,'/',maildir)\nwhere_field = username\nadditional_conditions = and active = '1'\n");
	assert_string_equal(str_text(&q.query.sql), "SELECT CONCAT(domain,'/',maildir) FROM mailbox WHERE username = ? and active = '1'");
	assert_string_equal(q.access.password, "a = b");
	assert_string_equal(q.access.database, "postfix");
	query_file_free(&q);

	parsed(&q, "query = SELECT a\n  FROM t\n\n# between\n\tWHERE x = '%s'\nresult_format = smtp:[%s]\nexpansion_limit = 3\n");
	assert_string_equal(str_text(&q.query.sql), "SELECT a FROM t WHERE x = ?");
	assert_int_equal(q.expansion_limit, 3);
	struct str out = STR_MOST(100);
	assert_true(expansion_apply(&q.result, &(struct query_key){.text = slice_of("k")}, slice_of("host"), &out));
	assert_string_equal(str_text(&out), "smtp:[host]");
	str_free(&out);
	query_file_free(&q);
}

static void
hosts(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q, "query = SELECT '%s'\nhosts = unix:/run/a.sock db1, inet:db2:3307\tdb3:1 [::1]:5 ::1 localhost\n");
	const struct query_host *h = q.access.hosts;
	assert_int_equal(q.access.host_count, 7);
	assert_string_equal(h[0].socket, "/run/a.sock");
	assert_null(h[0].name);
	assert_string_equal(h[1].name, "db1");
	assert_string_equal(h[2].name, "db2");
	assert_int_equal(h[2].port, 3307);
	assert_true(h[2].internet);
	assert_string_equal(h[3].name, "db3");
	assert_int_equal(h[3].port, 1);
	assert_string_equal(h[4].name, "::1");
	assert_int_equal(h[4].port, 5);
	assert_string_equal(h[5].name, "::1");
	assert_int_equal(h[5].port, 0);
	assert_string_equal(h[6].name, "localhost");
	assert_false(h[6].internet);
	query_file_free(&q);
	wrong("query = SELECT '%s'\nhosts = db:99999\n", "line 2: hosts");
}

static void
mistakes_name_their_line(void **state)
{
	(void)state;
	wrong("user = a\n\nquery = SELECT a FROM %d\n", "line 3: ");
	wrong("user = a\nnonsense\n", "line 2: ");
	wrong(" user = a\n", "line 1: ");
	wrong("table = a\n", "neither");
	wrong("query = SELECT '%s'\nresult_format = %x\n", "line 2: result_format");
	wrong("query = SELECT '%s'\nexpansion_limit = many\n", "line 2: ");
	wrong("query = SELECT '%s'\ndomain = hash:/etc/domains\n", "line 2: ");
}

static void
domains_choose_keys(void **state)
{
	(void)state;
	struct query_file q;
	parsed(&q, "query = SELECT '%s'\ndomain = a.org, B.org\n");
	assert_true(query_file_wants(&q, slice_of("u@b.org")));
	assert_false(query_file_wants(&q, slice_of("u@c.org")));
	assert_false(query_file_wants(&q, slice_of("a.org")));
	assert_false(query_file_wants(&q, slice_of("@a.org")));
	query_file_free(&q);
}

static bool
alias_query_wants(const char *text, const char *key)
{
	struct query_file q;
	struct str problem = STR_MOST(1000);
	assert_true(query_file_parse(&q, MAP_ALIAS, "/test.cf", slice_of(text), &problem));
	bool wants = query_file_wants(&q, slice_of(key));
	query_file_free(&q);
	str_free(&problem);
	return wants;
}

static void
a_query_about_the_domain_is_for_catch_alls(void **state)
{
	(void)state;
	static const char *const of_domain[] = {"query = SELECT g FROM a WHERE d = '%d'\n", "query = SELECT g FROM a WHERE d = '%2.%1'\n"};
	static const char *const of_address[] = {"query = SELECT g FROM a WHERE a = '%s'\n", "query = SELECT g FROM a WHERE a = CONCAT('%u', '@', '%d')\n",
	    "table = a\nselect_field = g\nwhere_field = a\n"};
	for (size_t i = 0; i < sizeof of_domain / sizeof *of_domain; i++) {
		assert_true(alias_query_wants(of_domain[i], "@a.org"));
		assert_false(alias_query_wants(of_domain[i], "u@a.org"));
	}
	for (size_t i = 0; i < sizeof of_address / sizeof *of_address; i++)
		assert_true(alias_query_wants(of_address[i], "u@a.org"));
	/* In other maps such a query is what it is. */
	struct query_file q;
	struct str problem = STR_MOST(1000);
	assert_true(query_file_parse(&q, MAP_MAILBOX, "/test.cf", slice_of(of_domain[0]), &problem));
	str_free(&problem);
	assert_true(query_file_wants(&q, slice_of("u@a.org")));
	query_file_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(placeholders_become_parameters),
	    cmocka_unit_test(a_key_is_no_pattern),
    cmocka_unit_test(exact_statements_compare_by_bytes),
    cmocka_unit_test(text_without_placeholders_stays),
	    cmocka_unit_test(a_key_without_the_part_is_not_looked_up),
	    cmocka_unit_test(what_cannot_be_bound_is_refused),
	    cmocka_unit_test(too_many_placeholders_are_refused),
	    cmocka_unit_test(old_and_new_form),
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(mistakes_name_their_line),
	    cmocka_unit_test(domains_choose_keys),
	    cmocka_unit_test(a_query_about_the_domain_is_for_catch_alls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
