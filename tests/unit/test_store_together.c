/*
 * Deliveries and sessions at work on one folder at the same time: every
 * session sees the same UID for a message, none is given twice, none is lost
 * (promise 18).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/folder.h"
#include "lib/store/save.h"

enum { DELIVERERS = 2, SESSIONS = 3, MESSAGES = 200, ROUNDS = 600, UIDS = DELIVERERS * MESSAGES + 1 };

static int
deliver_all(const struct maildir *m)
{
	static struct save s;
	struct folder f;
	for (int i = 0; i < MESSAGES; i++) {
		if (!folder_open(&f, m, slice_of("INBOX"), true) || !save_begin(&s, &f))
			return 1;
		save_write(&s, "x\n", 2);
		if (!save_finish(&s, SAVE_NEW, 0, 0, 0))
			return 2;
		folder_close(&f);
	}
	return 0;
}

/* One session: looks, changes flags, now and then removes; says at each look what it sees. */
static int
work(const struct maildir *m, FILE *log, unsigned number)
{
	struct folder f;
	unsigned random = number;
	if (!folder_open(&f, m, slice_of("INBOX"), false))
		return 1;
	for (int round = 0; round < ROUNDS; round++) {
		size_t before = f.count;
		if (!folder_refresh(&f))
			return 2;
		for (size_t i = before; i < f.count; i++)
			fprintf(log, "%u %.*s\n", f.messages[i].uid, f.messages[i].base_len, f.messages[i].name);
		for (int n = 0; n < 3 && f.count > 0; n++) {
			random = random * 1103515245 + 12345;
			struct message *message = &f.messages[random / 65536 % f.count];
			if (random / 1024 % 16 == 0)
				folder_expunge(&f, message);
			else
				folder_set_flags(&f, message, (enum flag_change)(random / 64 % 2), FLAG_SEEN | FLAG_FLAGGED, random / 256 % 4);
		}
		folder_drop(&f, NULL, NULL);
	}
	folder_close(&f);
	return fclose(log) == 0 ? 0 : 3;
}

static pid_t
begin_child(const char *path, bool session, unsigned number)
{
	char name[128];
	pid_t child = fork();
	if (child != 0)
		return child;
	struct maildir m;
	int root = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(name, sizeof name, "%s/log.%u", path, number);
	FILE *log = session ? fopen(name, "w") : NULL;
	if (root < 0 || (session && log == NULL) || !maildir_open(&m, root, "u/", true))
		_exit(9);
	_exit(session ? work(&m, log, number) : deliver_all(&m));
}

static char seen[UIDS * 2][NAME_MOST + 1];

static void
check_log(const char *path, unsigned number)
{
	char name[128], line[512], base[NAME_MOST + 1];
	unsigned uid, last = 0;
	snprintf(name, sizeof name, "%s/log.%u", path, number);
	FILE *log = fopen(name, "r");
	assert_non_null(log);
	while (fgets(line, sizeof line, log) != NULL) {
		assert_int_equal(sscanf(line, "%u %255s", &uid, base), 2);
		assert_true(uid > last && uid < UIDS * 2);
		last = uid;
		if (seen[uid][0] == '\0')
			strcpy(seen[uid], base);
		assert_string_equal(seen[uid], base);
	}
	fclose(log);
}

static void
test_together(void **state)
{
	(void)state;
	char path[] = "/tmp/test-together-XXXXXX";
	int status;
	assert_non_null(mkdtemp(path));
	for (unsigned i = 0; i < DELIVERERS + SESSIONS; i++)
		assert_true(begin_child(path, i >= DELIVERERS, i) > 0);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	for (unsigned i = DELIVERERS; i < DELIVERERS + SESSIONS; i++)
		check_log(path, i);
	/* No message has two numbers either. */
	for (size_t a = 1; a < UIDS * 2; a++)
		for (size_t b = a + 1; b < UIDS * 2 && seen[a][0] != '\0'; b++)
			assert_true(strcmp(seen[a], seen[b]) != 0);
	if (fork() == 0) {
		execl("/bin/rm", "rm", "-rf", path, (char *)NULL);
		_exit(1);
	}
	wait(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
