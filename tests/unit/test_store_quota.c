/* Quotas of mailboxes and domains: maildirsize by Maildir++'s rules, whatever is in it, and many at once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/quota.h"
#include "lib/store/quota_domain.h"
#include "lib/store/quota_warning.h"

static char           path[64];
static struct maildir mailbox;
static struct quota_rules rules;

static void
command(const char *text)
{
	char whole[512];
	snprintf(whole, sizeof whole, "cd %s && %s", path, text);
	assert_int_equal(system(whole), 0);
}

static int
begin(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test-quota-XXXXXX");
	assert_non_null(mkdtemp(path));
	command("mkdir -p m/new m/cur m/tmp m/.Trash/new m/.Trash/cur");
	char maildir[80];
	snprintf(maildir, sizeof maildir, "%s/m", path);
	mailbox.root = open(maildir, O_RDONLY | O_DIRECTORY);
	rules = (struct quota_rules){.folders_text = ""};
	assert_true(quota_rules_read(&rules));
	return mailbox.root >= 0 ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	close(mailbox.root);
	char remove[80];
	snprintf(remove, sizeof remove, "rm -rf %s", path);
	return system(remove);
}

/* --- the file -------------------------------------------------------------------------- */

static void
put(const char *text, time_t age)
{
	unlinkat(mailbox.root, "maildirsize", 0);
	int fd = openat(mailbox.root, "maildirsize", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)));
	const struct timespec when[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
	assert_int_equal(futimens(fd, when), 0);
	close(fd);
}

static const char *
text_of(const char *name)
{
	static char *text;
	size_t len;
	free(text);
	text = file_read_whole(mailbox.root, name, 65536, &len);
	return text != NULL ? text : "(none)";
}

static const char *
maildirsize(void)
{
	return text_of("maildirsize");
}

static void
open_quota(struct quota *q, uint64_t bytes, uint64_t messages)
{
	quota_open(q, &mailbox, (struct quota_amount){bytes, messages}, &rules, false);
}

/* A delivery of one message of this size; nothing is put into the Maildir. */
static bool
fits(uint64_t bytes, uint64_t messages, const char *folder, uint64_t size)
{
	struct quota q;
	open_quota(&q, bytes, messages);
	bool ok = quota_take(&q, slice_of(folder), (struct quota_amount){size, 1}) == QUOTA_FITS;
	quota_done(&q);
	return ok;
}

static void
test_text(void **state)
{
	(void)state;
	struct maildirsize m;
	static const struct {
		const char *text;
		uint64_t    limit_bytes, limit_messages, bytes, messages, lines;
	} good[] = {
	    {"1000S,10C\n5 1\n", 1000, 10, 5, 1, 1},
	    {"10C,1000S\n 5  1 \n7 1\n-5 -1\n", 1000, 10, 7, 1, 3},
	    {"1000S\n        500      1\n", 1000, 0, 500, 1, 1},
	    {"7C\n0 0\n", 0, 7, 0, 0, 1},
	    {"0S\n9 2\n", 0, 0, 9, 2, 1},
	    {"5S,3X\n0 0\n", 5, 0, 0, 0, 1},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(maildirsize_parse(slice_of(good[i].text), &m));
		assert_int_equal(m.limits.bytes, good[i].limit_bytes);
		assert_int_equal(m.limits.messages, good[i].limit_messages);
		assert_int_equal(m.used.bytes, good[i].bytes);
		assert_int_equal(m.used.messages, good[i].messages);
		assert_int_equal(m.lines, good[i].lines);
	}
	static const char *const bad[] = {"", "\n", "1000S", "1000S\n", "1000S\n5 1", "1000\n5 1\n", "S\n5 1\n", "x\n5 1\n", "1000S\n5\n", "1000S\n5 x\n",
	    "1000S\n5 1 1\n", "1000S\n-5 1\n", "1000S\n5 -1\n", "1000S\n\n", "1000S\n5 1\n\n", "1000S\n99999999999999999999 1\n",
	    "1000S\n9223372036854775807 1\n1 1\n", "-5S\n5 1\n", "1000S 5\n5 1\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (maildirsize_parse(slice_of(bad[i]), &m))
			fail_msg("believed: %s", bad[i]);
	assert_false(maildirsize_parse(slice_make("1000S\n5 1\0\n", 11), &m));
}

static void
test_counted_when_absent(void **state)
{
	(void)state;
	command("echo 0123456789 > 'm/new/1.a.h,S=100' && echo 012345678 > m/cur/2.b.h:2,S && echo x > 'm/.Trash/cur/3.c.h,S=1000:2,T'");
	command("echo x > m/cur/.hidden && mkdir m/cur/directory && echo x > m/tmp/4.d && ln -s /etc/passwd m/cur/5.e");
	assert_true(fits(5000, 100, "INBOX", 7));
	assert_string_equal(maildirsize(), "5000S,100C\n1110 3\n7 1\n");
}

static void
test_a_line_for_each_change(void **state)
{
	(void)state;
	put("5000S\n1000 2\n", 0);
	struct quota q;
	open_quota(&q, 5000, 0);
	quota_begin(&q);
	quota_give(&q, slice_of("INBOX"), (struct quota_amount){600, 1});
	quota_done(&q);
	assert_int_equal(q.file.used.bytes, 400);
	assert_true(fits(5000, 0, "INBOX", 50));
	assert_string_equal(maildirsize(), "5000S\n1000 2\n-600 -1\n50 1\n");
	assert_true(quota_read(&q));
	assert_int_equal(q.file.used.bytes, 450);
	assert_int_equal(q.file.used.messages, 2);
}

static void
test_limits(void **state)
{
	(void)state;
	put("1000S,10C\n900 9\n", 0);
	assert_true(fits(1000, 10, "INBOX", 100));
	put("1000S,10C\n900 9\n", 0);
	assert_false(fits(1000, 10, "INBOX", 101));
	put("1000S,10C\n500 10\n", 0);
	assert_false(fits(1000, 10, "INBOX", 1));
	/* Other limits than before: counted anew (there is nothing), and the file says the new ones. */
	assert_true(fits(2000, 0, "INBOX", 1));
	assert_string_equal(maildirsize(), "2000S\n0 0\n1 1\n");
}

static void
test_over_is_believed_of_one_young_line_only(void **state)
{
	(void)state;
	put("1000S\n1000 1\n", 14 * 60);
	assert_false(fits(1000, 0, "INBOX", 1));
	assert_string_equal(maildirsize(), "1000S\n1000 1\n");
	put("1000S\n1000 1\n", 15 * 60 + 1);
	assert_true(fits(1000, 0, "INBOX", 1));
	put("1000S\n999 1\n1 1\n", 0);
	assert_true(fits(1000, 0, "INBOX", 1));
	assert_string_equal(maildirsize(), "1000S\n0 0\n1 1\n");
	/* A time in the future is no young one. */
	put("1000S\n1000 1\n", -3600);
	assert_true(fits(1000, 0, "INBOX", 1));
}

static void
test_5120_bytes_are_counted_anew(void **state)
{
	(void)state;
	char text[5200] = "9999999S\n";
	while (strlen(text) < 5110)
		strcat(text, "1 1\n");
	size_t short_of = 5119 - strlen(text);
	char last[32];
	snprintf(last, sizeof last, "%*s\n", (int)short_of - 1, "1 1");
	strcat(text, last);
	assert_int_equal(strlen(text), 5119);
	put(text, 0);
	assert_true(fits(9999999, 0, "INBOX", 1));
	assert_true(strlen(maildirsize()) == 5119 + 4);
	assert_true(fits(9999999, 0, "INBOX", 1));
	assert_string_equal(maildirsize(), "9999999S\n0 0\n1 1\n");
}

static void
test_whatever_is_in_its_place(void **state)
{
	(void)state;
	static const char *const hostile[] = {"", "garbage", "1000S\n5 1", "1000S\n-5 -1\n", "1000S\n\377\n"};
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		put(hostile[i], 0);
		assert_true(fits(1000, 0, "INBOX", 3));
		assert_string_equal(maildirsize(), "1000S\n0 0\n3 1\n");
	}
	command("rm m/maildirsize && mkfifo m/maildirsize");
	assert_true(fits(1000, 0, "INBOX", 3));
	assert_string_equal(maildirsize(), "1000S\n0 0\n3 1\n");
	command("printf '1000S\\n0 0\\n' > victim && ln -sf ../victim m/maildirsize");
	assert_true(fits(1000, 0, "INBOX", 3));
	assert_string_equal(maildirsize(), "1000S\n0 0\n3 1\n");
	command("ln -f victim m/maildirsize");
	assert_true(fits(1000, 0, "INBOX", 3));
	assert_string_equal(maildirsize(), "1000S\n0 0\n3 1\n");
	command("printf '1000S\\n0 0\\n' | cmp - victim");
	/* A directory cannot be replaced: counted each time, and mail goes on. */
	command("rm m/maildirsize && mkdir m/maildirsize");
	assert_true(fits(1000, 0, "INBOX", 1000));
	assert_false(fits(1000, 0, "INBOX", 1001));
	command("rmdir m/maildirsize && printf '1000S\\n0 0\\n' > t && ln -s ../elsewhere m/linked && rm -r m/tmp && ln -s .. m/tmp");
	assert_true(fits(1000, 0, "INBOX", 3));
	command("! ls t?* 2>/dev/null");
}

static void
test_no_limit(void **state)
{
	(void)state;
	assert_true(fits(0, 0, "INBOX", UINT32_MAX));
	assert_string_equal(maildirsize(), "(none)");
	/* One that is there is kept up, so that it is right when the limit comes again. */
	put("1000S\n10 1\n", 0);
	assert_true(fits(0, 0, "INBOX", 5000));
	assert_string_equal(maildirsize(), "1000S\n10 1\n5000 1\n");
}

static void
test_a_session_goes_by_limits_that_came_later(void **state)
{
	(void)state;
	struct quota q;
	open_quota(&q, 1000, 0);
	assert_true(quota_read(&q));
	assert_true(fits(5000, 0, "INBOX", 10));
	assert_int_equal(quota_check(&q, slice_of("INBOX"), (struct quota_amount){4000, 1}), QUOTA_FITS);
	assert_string_equal(maildirsize(), "5000S\n0 0\n10 1\n");
}

/* --- folders, grace -------------------------------------------------------------------- */

static void
test_folders(void **state)
{
	(void)state;
	rules.folders_text = "# of ours\nTrash uncounted\n\nSpam +100\nArchive\t+50%,2\n";
	assert_true(quota_rules_read(&rules));
	command("echo x > 'm/.Trash/cur/3.c.h,S=1000:2,T' && mkdir -p m/.Trash.Old/cur m/.Trashed/cur && echo x > 'm/.Trash.Old/cur/1.a,S=70'"
	        " && echo x > 'm/.Trashed/cur/1.a,S=3'");
	assert_true(fits(1000, 0, "Trash", 5000));
	assert_string_equal(maildirsize(), "(none)");
	assert_true(fits(1000, 1, "INBOX", 0) == false);
	assert_string_equal(maildirsize(), "1000S,1C\n3 1\n");
	put("1000S\n1000 1\n", 0);
	assert_false(fits(1000, 0, "INBOX", 1));
	assert_false(fits(1000, 0, "Spam", 101));
	assert_true(fits(1000, 0, "Spam.of.2026", 100));
	put("1000S,2C\n1000 2\n", 0);
	assert_false(fits(1000, 2, "Spam", 1));
	assert_false(fits(1000, 2, "Archive", 501));
	assert_true(fits(1000, 2, "Archive", 500));
}

static void
test_wrong_rules(void **state)
{
	(void)state;
	static const char *const wrong[] = {"Trash", "Trash ignored", "Trash +", "Trash 100M", "Trash +5x", "Tra/sh uncounted", "Trash uncounted now",
	    "Trash +1M,", "Trash +1M,x"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		rules.folders_text = wrong[i];
		if (quota_rules_read(&rules) && strcmp(wrong[i], "Trash +1M,") != 0)
			fail_msg("taken: %s", wrong[i]);
	}
	rules.folders_text = "";
	static const char *const warnings[] = {"95 80", "80 80", "x", "80,95", "0", "1001"};
	for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
		rules.warnings_text = warnings[i];
		assert_false(quota_rules_read(&rules));
	}
	rules.warnings_text = "80\t95\n";
	rules.grace_text = "10";
	assert_false(!quota_rules_read(&rules) || rules.warning_count != 2);
	rules.grace_text = "ten";
	assert_false(quota_rules_read(&rules));
}

static bool
fits_with_grace(const char *grace, uint64_t size)
{
	struct quota q;
	open_quota(&q, 1000, 0);
	rules.grace_text = grace;
	assert_true(quota_rules_read(&rules));
	q.delivers = true;
	bool ok = quota_take(&q, slice_of("INBOX"), (struct quota_amount){size, 1}) == QUOTA_FITS;
	quota_done(&q);
	return ok;
}

static void
test_grace_of_the_last_message(void **state)
{
	(void)state;
	put("1000S\n999 1\n", 0);
	assert_false(fits_with_grace("10%", 102));
	assert_true(fits_with_grace("10%", 101));
	/* That was the last one. */
	put("1000S\n1100 1\n", 0);
	assert_false(fits_with_grace("10%", 1));
	put("1000S\n1000 1\n", 0);
	assert_false(fits_with_grace("10%", 1));
	put("1000S\n999 1\n", 0);
	assert_true(fits_with_grace("2K", 2049));
	put("1000S\n999 1\n", 0);
	assert_false(fits_with_grace("0", 2));
}

/* --- warnings -------------------------------------------------------------------------- */

static unsigned
crossed(int64_t size)
{
	struct quota q;
	open_quota(&q, 1000, 100);
	const struct quota_amount amount = {(uint64_t)llabs(size), 1};
	if (size < 0) {
		quota_give(&q, slice_of("INBOX"), amount);
		return 0;
	}
	assert_int_equal(quota_take(&q, slice_of("INBOX"), amount), QUOTA_FITS);
	quota_done(&q);
	return q.crossed;
}

static void
test_warned_once_on_crossing(void **state)
{
	(void)state;
	rules.warnings_text = "80 95";
	assert_true(quota_rules_read(&rules));
	put("1000S,100C\n0 0\n", 0);
	assert_int_equal(crossed(799), 0);
	assert_int_equal(crossed(1), 80);
	assert_string_equal(text_of("postern-quota-warned"), "80\n");
	assert_int_equal(crossed(1), 0);
	assert_int_equal(crossed(149), 95);
	assert_int_equal(crossed(1), 0);
	crossed(-200);
	assert_int_equal(crossed(10), 0); /* 761: it fell below both */
	assert_string_equal(text_of("postern-quota-warned"), "(none)");
	assert_int_equal(crossed(200), 95);
	/* It falls and rises again between two deliveries; and it rises without one. */
	crossed(-200);
	assert_int_equal(crossed(100), 80);
	put("1000S,100C\n960 1\n", 0);
	assert_int_equal(crossed(1), 95);
	/* By their number. */
	put("1000S,100C\n10 94\n", 0);
	assert_int_equal(crossed(0), 95);
	/* The note is a file of ours, whatever is there. */
	command("echo precious > victim && ln -f victim m/postern-quota-warned");
	put("1000S,100C\n10 1\n", 0);
	assert_int_equal(crossed(0), 0);
	assert_int_equal(crossed(900), 80);
	command("grep -q precious victim");
}

static void
test_the_warning_itself(void **state)
{
	(void)state;
	struct warning_template t;
	const struct warning_facts f = {"ann@example.test", 80, {800 * 1024, 7}, {1 << 20, 0}};
	struct str s = STR_MOST(65536);
	assert_null(warning_parse(slice_of("Subject: $percent % \xc3\xa9\nFrom: Post\n\n$user has $used of $limit, $messages/$message_limit $$\n"), &t));
	assert_true(warning_compose(&s, &t, &f));
	assert_non_null(strstr(str_text(&s), "\nFrom: Post <postmaster@"));
	assert_non_null(strstr(str_text(&s), "\nSubject: =?utf-8?"));
	assert_non_null(strstr(str_text(&s), "\nAuto-Submitted: auto-generated\n"));
	assert_non_null(strstr(str_text(&s), "\n\nann@example.test has 800.0 KB of 1.0 MB, 7/0 $\n"));
	assert_int_equal(strncmp(str_text(&s), "Return-Path: <>\n", 16), 0);
	assert_null(strchr(str_text(&s), '\r'));
	str_free(&s);
	static const char *const wrong[] = {"", "text\n", "Subject: x\n", "Subject: x\n\n", "Subject: x\nTo: y\n\nz\n", "Subject: x\n\n$nothing\n",
	    "Subject: x\n\n$", "Subject: \xff\n\nx\n", "Subject: a\rb\n\nx\n", "From: y\n\nx\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (warning_parse(slice_of(wrong[i]), &t) == NULL)
			fail_msg("taken: %s", wrong[i]);
}

/* --- many at once ----------------------------------------------------------------------- */

static bool
place(const struct quota_amount *size, int number)
{
	char name[64];
	snprintf(name, sizeof name, "new/%d.R%d.h,S=%d", number, (int)getpid(), (int)size->bytes);
	int fd = openat(mailbox.root, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	return fd >= 0 && close(fd) == 0;
}

/* A worker: as many messages as it is let; between taking and placing others have their turn. */
static void
work(void)
{
	char own[80];
	snprintf(own, sizeof own, "%s/m", path);
	mailbox.root = open(own, O_RDONLY | O_DIRECTORY);
	const struct quota_amount size = {10, 1};
	for (int i = 0; i < 20; i++) {
		struct quota q;
		open_quota(&q, 3000, 0);
		if (quota_take(&q, slice_of("INBOX"), size) == QUOTA_FITS) {
			usleep(500);
			if (!place(&size, i))
				_exit(1);
		}
		quota_done(&q);
	}
	_exit(0);
}

static void
test_fifty_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		if (fork() == 0)
			work();
	int status, failed = 0;
	while (wait(&status) > 0)
		failed += status != 0;
	assert_int_equal(failed, 0);
	command("[ $(ls m/new | wc -l) = 300 ]");
	struct quota q;
	open_quota(&q, 3000, 0);
	assert_true(quota_read(&q));
	assert_int_equal(q.file.used.bytes, 3000);
	assert_int_equal(q.file.used.messages, 300);
}

static void
test_a_group_in_one_process(void **state)
{
	(void)state;
	struct quota q[3];
	const struct quota_amount size = {400, 1};
	struct maildir others[3];
	put("1000S\n0 0\n", 0);
	for (int i = 0; i < 3; i++) {
		others[i].root = openat(mailbox.root, ".", O_RDONLY | O_DIRECTORY);
		quota_open(&q[i], &others[i], (struct quota_amount){1000, 0}, &rules, false);
		/* The third seems not to fit, and is counted anew while two are on their way. */
		assert_int_equal(quota_take(&q[i], slice_of("INBOX"), size), i < 2 ? QUOTA_FITS : QUOTA_OVER);
	}
	assert_string_equal(maildirsize(), "1000S\n800 2\n");
	for (int i = 0; i < 3; i++) {
		quota_done(&q[i]);
		close(others[i].root);
	}
}

static void
test_who_holds_a_lock_holds_nobody_for_ever(void **state)
{
	(void)state;
	int other = openat(mailbox.root, ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_true(fits(1000, 0, "INBOX", 3));
	close(other);
}

/* --- a domain ---------------------------------------------------------------------------- */

static const char *
domainsize(void)
{
	static char text[256];
	char name[128];
	snprintf(name, sizeof name, "%s/root/hosts/example.org/domainsize", path);
	FILE *f = fopen(name, "r");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	/* Without the time of the count. */
	char *comma = strchr(text, ','), *line = strchr(text, '\n');
	if (comma != NULL && line != NULL && comma < line)
		memmove(comma, line, strlen(line) + 1);
	return text;
}

static void
test_a_domains_sum(void **state)
{
	(void)state;
	struct quota_domain d;
	const struct quota_beyond b = {.any = false};
	command("mkdir -p root/hosts/example.org/ann/Maildir/cur root/hosts/example.org/bob/new root/hosts/example.org/bob/cur root/hosts/other.org/x/cur");
	command("mkdir -p root/hosts/example.org/bob/tmp root/hosts/example.org/ann/Maildir/tmp && ln -s ../other.org/x root/hosts/example.org/link");
	command("echo x > 'root/hosts/example.org/bob/new/1.a,S=300' && echo x > 'root/hosts/other.org/x/cur/1.a,S=9000'");
	command("printf '500S\\n200 2\\n' > root/hosts/example.org/ann/Maildir/maildirsize");
	char name[80];
	snprintf(name, sizeof name, "%s/root", path);
	int root = open(name, O_RDONLY | O_DIRECTORY);
	assert_true(quota_domain_open(&d, root, "hosts/Example.org/ann/Maildir/", slice_of("example.org"), 1000, &rules) == false);
	assert_true(quota_domain_open(&d, root, "hosts/example.org/ann/Maildir/", slice_of("example.org"), 1000, &rules));
	assert_int_equal(quota_file_take(&d.file, (struct quota_amount){501, 1}, &b), QUOTA_OVER);
	assert_string_equal(domainsize(), "1000S\n500 3\n");
	assert_int_equal(quota_file_take(&d.file, (struct quota_amount){500, 1}, &b), QUOTA_FITS);
	assert_string_equal(domainsize(), "1000S\n500 3\n500 1\n");
	quota_domain_close(&d);
	assert_false(quota_domain_open(&d, root, "elsewhere/ann/", slice_of("example.org"), 1000, &rules));
	assert_false(quota_domain_open(&d, root, "hosts/example.org/link/../../other.org/", slice_of("other.org"), 1000, &rules));
	close(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
#define WITH_MAILDIR(test) cmocka_unit_test_setup_teardown(test, begin, end)
	    WITH_MAILDIR(test_counted_when_absent),
	    WITH_MAILDIR(test_a_line_for_each_change),
	    WITH_MAILDIR(test_limits),
	    WITH_MAILDIR(test_over_is_believed_of_one_young_line_only),
	    WITH_MAILDIR(test_5120_bytes_are_counted_anew),
	    WITH_MAILDIR(test_whatever_is_in_its_place),
	    WITH_MAILDIR(test_no_limit),
	    WITH_MAILDIR(test_a_session_goes_by_limits_that_came_later),
	    WITH_MAILDIR(test_folders),
	    WITH_MAILDIR(test_wrong_rules),
	    WITH_MAILDIR(test_grace_of_the_last_message),
	    WITH_MAILDIR(test_warned_once_on_crossing),
	    WITH_MAILDIR(test_the_warning_itself),
	    WITH_MAILDIR(test_fifty_at_once),
	    WITH_MAILDIR(test_a_group_in_one_process),
	    WITH_MAILDIR(test_who_holds_a_lock_holds_nobody_for_ever),
	    WITH_MAILDIR(test_a_domains_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
