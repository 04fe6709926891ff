/* tlsd/own_memory.h: pieces of one process's own stretch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tlsd/own_memory.h"

#define PIECES 2000
#define ROUNDS 20000

static struct {
	unsigned char *bytes;
	size_t         len;
	unsigned char  mark;
} pieces[PIECES];

static void
check(size_t i)
{
	for (size_t k = 0; k < pieces[i].len; k++)
		assert_int_equal(pieces[i].bytes[k], pieces[i].mark);
}

static void
fill(size_t i, unsigned char *bytes, size_t len)
{
	assert_non_null(bytes);
	assert_int_equal((uintptr_t)bytes % 16, 0);
	pieces[i].bytes = bytes;
	pieces[i].len = len;
	pieces[i].mark = (unsigned char)rand();
	memset(bytes, pieces[i].mark, len);
}

/* No piece lies in another; what was written stays, over growing and over a rest too. */
static void
churn(size_t count, size_t most)
{
	for (int round = 0; round < ROUNDS; round++) {
		size_t i = (size_t)rand() % count, len = (size_t)rand() % most;
		check(i);
		if (pieces[i].bytes != NULL && rand() % 3 == 0) {
			size_t kept = pieces[i].len < len ? pieces[i].len : len;
			unsigned char *grown = own_memory_resize(pieces[i].bytes, len);
			for (size_t k = 0; k < kept; k++)
				assert_int_equal(grown[k], pieces[i].mark);
			fill(i, grown, len);
			continue;
		}
		own_memory_free(pieces[i].bytes);
		fill(i, own_memory_take(len), len);
		if (round % 100 == 0)
			own_memory_rest();
	}
}

static void
test_pieces_are_apart(void **state)
{
	(void)state;
	churn(PIECES, 300);
	churn(100, 20000);
}

/* Past the stretch and for the largest there is malloc(3). */
static void
test_beyond_the_stretch(void **state)
{
	(void)state;
	for (size_t i = 0; i < 100; i++)
		fill(i, own_memory_take(200000), 200000);
	for (size_t i = 0; i < 100; i++)
		check(i);
	unsigned char *large = own_memory_resize(own_memory_take(10), 5 << 20);
	assert_non_null(large);
	memset(large, 1, 5 << 20);
}

/* What is of the time before is read, and grows into the own stretch; freeing it does nothing. */
static void
test_inherited_pieces(void **state)
{
	char **inherited = *state;
	assert_string_equal(*inherited, "inherited");
	char *grown = own_memory_resize(*inherited, 1000);
	assert_string_equal(grown, "inherited");
	assert_ptr_not_equal(grown, *inherited);
	assert_string_equal(*inherited, "inherited");
	own_memory_free(*inherited);
	assert_string_equal(*inherited, "inherited");
}

int
main(void)
{
	char *inherited = own_memory_take(10), *gone = own_memory_resize(own_memory_take(10), 5000);
	strcpy(inherited, "inherited");
	own_memory_free(gone);
	own_memory_begin();
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_prestate(test_inherited_pieces, &inherited),
	    cmocka_unit_test(test_pieces_are_apart),
	    cmocka_unit_test(test_beyond_the_stretch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
