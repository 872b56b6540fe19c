#include "lib/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/log.h"

static void strings_are_copied(void **state)
{
	(void)state;
	AUTO(mem_free) char *whole = xstrdup("abc");
	AUTO(mem_free) char *part = xstrndup("abc", 2);
	AUTO(mem_free) char *all = xstrndup("abc", 9);
	AUTO(mem_free) char *printed = xasprintf("%d-%s", 7, "x");
	assert_string_equal(whole, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(all, "abc");
	assert_string_equal(printed, "7-x");
	assert_null(xstrdup(NULL));
}

static void wiped_memory_keeps_its_content_when_it_grows(void **state)
{
	(void)state;
	char *text = mem_wiping_realloc(NULL, 4);
	assert_non_null(text);
	memcpy(text, "abc", 4);
	text = mem_wiping_realloc(text, 5000);
	assert_non_null(text);
	assert_string_equal(text, "abc");
	memset(text, 'x', 5000);
	text = mem_wiping_realloc(text, 2);
	assert_non_null(text);
	assert_memory_equal(text, "xx", 2);
	mem_wiping_free(text);
	mem_wiping_free(NULL);
}

static void nothing_is_still_an_object(void **state)
{
	(void)state;
	AUTO(mem_free) char *a = xmalloc(0);
	AUTO(mem_free) char *b = xcalloc(0, 8);
	AUTO(mem_free) char *c = xrealloc(NULL, 0, 8);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
}

static void realloc_keeps_content(void **state)
{
	(void)state;
	int *numbers = xcalloc(2, sizeof(*numbers));
	assert_int_equal(numbers[1], 0);
	numbers[1] = 5;
	numbers = xrealloc(numbers, 1000, sizeof(*numbers));
	assert_int_equal(numbers[1], 5);
	free(numbers);
}

static char *give(void)
{
	AUTO(mem_free) char *text = xstrdup("kept");
	char *given = STEAL(text);
	assert_null(text);
	return given;
}

static void steal_takes_the_value_out(void **state)
{
	(void)state;
	AUTO(mem_free) char *text = give();
	assert_string_equal(text, "kept");
}

static void fd_close_closes_once_and_keeps_errno(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;
	assert_true(fd >= 0);
	errno = EXDEV;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(fcntl(number, F_GETFD), -1);
	fd_close(&fd);
}

static void overflow_aborts_with_a_line(void **state)
{
	(void)state;
	int ends[2];
	char line[128] = "";
	int status;
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0};
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		log_init("boot: ");
		free(xrealloc(NULL, SIZE_MAX, 2));
		_exit(0);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(n > 0);
	assert_string_equal(line, "boot: out of memory, aborting\n");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

struct outer {
	int before;
	int member;
};

static void container_of_finds_the_outer(void **state)
{
	(void)state;
	struct outer o = {1, 2};
	assert_ptr_equal(CONTAINER_OF(&o.member, struct outer, member), &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(wiped_memory_keeps_its_content_when_it_grows),
		cmocka_unit_test(nothing_is_still_an_object),
		cmocka_unit_test(realloc_keeps_content),
		cmocka_unit_test(steal_takes_the_value_out),
		cmocka_unit_test(fd_close_closes_once_and_keeps_errno),
		cmocka_unit_test(overflow_aborts_with_a_line),
		cmocka_unit_test(container_of_finds_the_outer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
