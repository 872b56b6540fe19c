#include "boot/daemon/capability.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/child.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

struct bench {
	char *dir;
	struct capability_ask *ask;
	unsigned answers;
	int version;
	struct err err;
};

static void on_answer(void *arg, int version, const struct err *err)
{
	struct bench *b = arg;
	b->ask = NULL;
	b->answers++;
	b->version = version;
	b->err = err != NULL ? *err : (struct err){0};
}

static int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	if (child_bench_open(NULL) < 0)
		return -1;
	b->dir = tempdir_new();
	AUTO(mem_free) char *path = xasprintf("%s:/usr/bin:/bin", b->dir);
	setenv("PATH", path, 1);
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	capability_cancel(b->ask);
	tempdir_free(b->dir);
	free(b);
	return child_bench_close(NULL);
}

static void begin(struct bench *b, const char *script)
{
	struct err e;
	AUTO(mem_free) char *path = tempdir_path(b->dir, "tailscale");
	AUTO(mem_free) char *text = xasprintf("#!/bin/sh\n%s\n", script);
	tempdir_write(b->dir, "tailscale", text);
	assert_int_equal(chmod(path, 0755), 0);
	b->ask = capability_ask(child_bench_loop(), child_bench_table(), on_answer, b, &e);
	assert_non_null(b->ask);
}

static void run(struct bench *b, const char *script)
{
	begin(b, script);
	assert_true(loop_wait_count(child_bench_loop(), &b->answers, 1, LOOP_WAIT_MS));
}

static void what_it_prints(void **state)
{
	static const struct {
		const char *text;
		int version;
		const char *error; /* part of the sentence */
	} rows[] = {
		{"{\"short\":\"1.102.5\",\"cap\":142}", 142, NULL},
		{"{\"cap\":1000000}\n", 1000000, NULL},
		{"{}", 0, "cap"},
		{"{\"cap\":\"142\"}", 0, "cap"},
		{"{\"cap\":0}", 0, "cap"},
		{"{\"cap\":-1}", 0, "cap"},
		{"{\"cap\":1000001}", 0, "cap"},
		{"1.102.5\n  tailscale commit: x", 0, "version --json"},
		{"", 0, "version --json"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		assert_int_equal(
			capability_parse(rows[i].text, strlen(rows[i].text), &e), rows[i].version);
		if (rows[i].error != NULL)
			assert_non_null(strstr(e.msg, rows[i].error));
	}
}

static void an_answer(void **state)
{
	struct bench *b = *state;
	run(b, "[ \"$*\" = 'version --json' ] && echo '{\"cap\":148}'");
	assert_int_equal(b->version, 148);
	assert_int_equal(b->err.code, 0);
}

static void a_command_that_fails(void **state)
{
	struct bench *b = *state;
	run(b, "echo '{\"cap\":148}'; exit 3");
	assert_int_equal(b->version, 0);
	assert_string_equal(b->err.msg, "tailscale version: exit status 3");
}

/* Preceded by 100 KiB: no answer, and no memory for it. */
static void an_endless_answer(void **state)
{
	struct bench *b = *state;
	run(b, "head -c 102400 /dev/zero | tr '\\0' '{'");
	assert_int_equal(b->version, 0);
}

static void a_command_that_hangs(void **state)
{
	struct bench *b = *state;
	run(b, "exec sleep 600");
	assert_int_equal(b->version, 0);
	assert_int_equal(b->err.code, -ETIMEDOUT);
}

static void cancelled(void **state)
{
	struct bench *b = *state;
	begin(b, "exec sleep 600");
	capability_cancel(STEAL(b->ask));
	assert_true(child_wait_none());
	assert_int_equal(b->answers, 0);
	capability_cancel(NULL);
}

static void no_such_command(void **state)
{
	struct bench *b = *state;
	struct err e;
	setenv("PATH", b->dir, 1);
	assert_null(capability_ask(child_bench_loop(), child_bench_table(), on_answer, b, &e));
	assert_int_equal(e.code, -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_prints),
		TEST(an_answer),
		TEST(a_command_that_fails),
		TEST(an_endless_answer),
		TEST(a_command_that_hangs),
		TEST(cancelled),
		TEST(no_such_command),
	};
	child_bench_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
