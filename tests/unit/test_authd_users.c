/* The text file of users, its cdb, tickets, sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/sessions.h"
#include "authd/tickets.h"
#include "authd/users_cdb.h"
#include "authd/users_file.h"
#include "lib/base/log.h"

static void
lines(void **state)
{
	(void)state;
	struct users_line l = users_line_parse(slice_of("user  a@b.c\t$y$hash - 10M,5"));
	assert_int_equal(l.kind, USERS_USER);
	assert_true(slice_is(l.address, "a@b.c"));
	assert_true(slice_is(l.hash, "$y$hash"));
	assert_int_equal(l.maildir.len, 0);
	assert_true(slice_is(l.quota, "10M,5"));
	l = users_line_parse(slice_of("alias @b.c x@y z@w"));
	assert_int_equal(l.kind, USERS_ALIAS);
	assert_int_equal(users_line_parse(slice_of("")).kind, USERS_NOTHING);
	assert_int_equal(users_line_parse(slice_of("  # x")).kind, USERS_NOTHING);
}

static void
wrong_lines(void **state)
{
	(void)state;
	static const char *const wrong[] = {"user", "user a@b", "user a h", "user @b h", "user a@ h", "user a/b@c h", "user ..@c h",
	    "user a@c h - much", "user a@c h - 5M, x", "user a@c h - 1 2", "alias a@b", "alias a@b c", "users a@b h", "user a,b@c h",
	    "user a@b@c h", "user \xff@c h", "user a@.c h", "user a@../c h", "user a@c h ../x", "user a@c h /x"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (users_line_parse(slice_of(wrong[i])).kind != USERS_WRONG)
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(users_line_parse(slice_make("user a@b h\0i", 12)).kind, USERS_WRONG);
}

static char directory[] = "/tmp/test-authd-XXXXXX", path[64];

static bool
compile(const char *text, const char *problem)
{
	struct str why = STR_MOST(1000);
	bool ok = users_compile(slice_of(text), path, (uid_t)-1, (gid_t)-1, &why);
	if (!ok && (problem == NULL || strstr(str_text(&why), problem) == NULL))
		fail_msg("%s", str_text(&why));
	str_free(&why);
	return ok;
}

static enum fact_state
find(struct users_cdb *u, enum map map, const char *key, const char *expected)
{
	struct str value = STR_MOST(MAP_VALUE_MOST);
	enum fact_state s = users_cdb_find(u, map, slice_of(key), &value);
	if (s == FACT_FOUND)
		assert_string_equal(str_text(&value), expected);
	str_free(&value);
	return s;
}

static void
cdb(void **state)
{
	(void)state;
	struct users_cdb u = {.path = path};
	assert_true(compile("user Al@B.c hash - 1M\nuser bo@b.c h2 box/bo/\nalias all@b.c al@b.c bo@b.c\nalias @x.y al@b.c\n", NULL));
	users_cdb_refresh(&u);
	assert_true(u.open);
	assert_int_equal(find(&u, MAP_MAILBOX, "al@b.c", "b.c/al/"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_MAILBOX, "bo@b.c", "box/bo/"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_PASSWORD, "al@b.c", "hash"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_QUOTA, "al@b.c", "1M"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_QUOTA, "bo@b.c", ""), FACT_NONE);
	assert_int_equal(find(&u, MAP_ALIAS, "all@b.c", "al@b.c,bo@b.c"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_ALIAS, "@x.y", "al@b.c"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_DOMAIN, "x.y", "1"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_DOMAIN, "z", ""), FACT_NONE);
	/* A mistake leaves the cdb as it was; a new one counts. */
	assert_false(compile("user al@b.c h\nuser AL@b.c h\n", "line 2: "));
	assert_false(compile("user al@b.c h\nsomething\n", "line 2: "));
	assert_true(compile("user al@b.c other\n", NULL));
	u.looked = 0;
	users_cdb_refresh(&u);
	assert_int_equal(find(&u, MAP_PASSWORD, "al@b.c", "other"), FACT_FOUND);
	assert_int_equal(find(&u, MAP_PASSWORD, "bo@b.c", ""), FACT_NONE);
	cdb_free(&u.cdb);
}

/* A cdb that is cut or overwritten never says that somebody does not exist: it is not taken, or answers with later. */
static void
damaged_cdb(void **state)
{
	(void)state;
	assert_true(compile("user al@b.c hash\n", NULL));
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, 0600), 0);
	for (off_t len = st.st_size - 1; len > 0; len -= 7) {
		assert_int_equal(truncate(path, len), 0);
		struct users_cdb u = {.path = path};
		users_cdb_refresh(&u);
		if (!u.open)
			continue;
		assert_int_not_equal(find(&u, MAP_MAILBOX, "al@b.c", "b.c/al/"), FACT_NONE);
		cdb_free(&u.cdb);
	}
}

static void
tickets(void **state)
{
	(void)state;
	struct tickets t;
	char one[TICKET_LETTERS + 1], two[TICKET_LETTERS + 1], user[TICKET_USER_MOST + 1];
	assert_true(tickets_begin(&t));
	assert_true(tickets_issue(&t, "a@b", "imap", 1000, one));
	assert_true(tickets_redeem_at(&t, one, "imap", 1001, user));
	assert_string_equal(user, "a@b");
	assert_false(tickets_redeem_at(&t, one, "imap", 1001, user));
	/* Another service, too late, something else: no; and the ticket is used up. */
	assert_true(tickets_issue(&t, "a@b", "imap", 1000, one));
	assert_false(tickets_redeem_at(&t, one, "pop3", 1001, user));
	assert_false(tickets_redeem_at(&t, one, "imap", 1001, user));
	assert_true(tickets_issue(&t, "a@b", "imap", 1000, one));
	assert_true(tickets_issue(&t, "c@d", "imap", 1000, two));
	assert_false(tickets_redeem_at(&t, one, "imap", 1000 + TICKET_LIFE, user));
	assert_false(tickets_redeem_at(&t, "", "imap", 1001, user));
	assert_false(tickets_redeem_at(&t, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "imap", 1001, user));
	assert_true(tickets_redeem_at(&t, two, "imap", 1001, user));
	assert_string_equal(user, "c@d");
}

static void
tickets_are_bounded(void **state)
{
	(void)state;
	struct tickets t;
	char letters[TICKET_LETTERS + 1];
	size_t issued = 0;
	assert_true(tickets_begin(&t));
	for (size_t i = 0; i < TICKETS_MOST * 2; i++)
		issued += tickets_issue(&t, "a@b", "imap", 1000, letters);
	assert_true(issued > TICKETS_MOST * 9 / 10 && issued <= TICKETS_MOST);
	assert_true(tickets_issue(&t, "a@b", "imap", 1000 + TICKET_LIFE, letters));
}

static void
sessions(void **state)
{
	(void)state;
	static struct sessions s = {.per_address = 2};
	struct session_key a, b, c;
	assert_false(session_key_of("127.0.0.1", &a));
	assert_false(session_key_of("127.9.9.9", &a));
	assert_false(session_key_of("::1", &a));
	assert_false(session_key_of("::ffff:127.0.0.1", &a));
	assert_true(session_key_of("192.0.2.1", &a));
	assert_true(session_key_of("2001:db8::1", &b));
	assert_true(session_key_of("2001:db8::ffff", &c));
	assert_memory_equal(&b, &c, sizeof b);
	assert_true(sessions_enter(&s, &a));
	assert_true(sessions_enter(&s, &a));
	assert_false(sessions_enter(&s, &a));
	assert_true(sessions_enter(&s, &b));
	sessions_leave(&s, &a);
	assert_true(sessions_enter(&s, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines),
	    cmocka_unit_test(wrong_lines),
	    cmocka_unit_test(cdb),
	    cmocka_unit_test(damaged_cdb),
	    cmocka_unit_test(tickets),
	    cmocka_unit_test(tickets_are_bounded),
	    cmocka_unit_test(sessions),
	};
	log_set_level(LOG_ERROR + 1);
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/users.cdb", directory);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(directory);
	return failed;
}
