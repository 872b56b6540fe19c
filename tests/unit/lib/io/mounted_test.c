#include "lib/io/mounted.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

struct bench {
	char *dir;
	struct loop *loop;
	struct mounted m;
	unsigned int looks;
};

static void look(void *arg)
{
	struct bench *b = arg;
	b->looks++;
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err e;
	fake_clock_install(1000);
	b->dir = tempdir_new();
	b->loop = loop_new(&e);
	AUTO(mem_free) char *path = tempdir_path(b->dir, "document");
	mounted_init(&b->m, b->loop, path, look, b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	mounted_fini(&b->m);
	loop_free(b->loop);
	tempdir_free(b->dir);
	fake_clock_remove();
	free(b);
	return 0;
}

static int read_now(struct bench *b, bool had_content, size_t *len)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1024);
	struct err e;
	int code = mounted_read(&b->m, had_content, &text, &e);
	*len = text.len;
	return code;
}

static void pass(struct bench *b, uint64_t ms)
{
	struct err e;
	fake_clock_advance_ms(ms);
	assert_int_equal(loop_turn(b->loop, 0, &e), 0);
}

static void what_is_empty_is_believed_after_a_while(void **state)
{
	struct bench *b = *state;
	size_t len;
	/* Believed at once when there is nothing to lose. */
	assert_int_equal(read_now(b, false, &len), 0);
	tempdir_write(b->dir, "document", "{}");
	assert_int_equal(read_now(b, true, &len), 0);
	assert_int_equal(len, 2);
	tempdir_write(b->dir, "document", "");
	assert_int_equal(read_now(b, true, &len), 1);
	pass(b, MOUNTED_DOUBT_MS - 1);
	assert_int_equal(b->looks, 0);
	/* A look in between does not postpone it. */
	assert_int_equal(read_now(b, true, &len), 1);
	pass(b, 1);
	assert_int_equal(b->looks, 1);
	assert_int_equal(read_now(b, true, &len), 0);
	/* The next time it is not believed at once again. */
	assert_int_equal(read_now(b, true, &len), 1);
	tempdir_write(b->dir, "document", "{}");
	assert_int_equal(read_now(b, true, &len), 0);
	pass(b, 10 * MOUNTED_DOUBT_MS);
	assert_int_equal(b->looks, 1);
}

static void a_read_that_fails_is_tried_again(void **state)
{
	struct bench *b = *state;
	size_t len;
	AUTO(mem_free) char *path = tempdir_path(b->dir, "document");
	assert_int_equal(symlink("document", path), 0);
	assert_int_equal(read_now(b, true, &len), -ELOOP);
	pass(b, 1500);
	assert_int_equal(b->looks, 1);
	assert_int_equal(unlink(path), 0);
	/* A failure does not mean that it is empty. */
	assert_int_equal(read_now(b, true, &len), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_empty_is_believed_after_a_while),
		TEST(a_read_that_fails_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
