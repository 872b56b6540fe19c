/* Readers that stall, and children that share the log. */
#include "lib/base/log.h"

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
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

#define EV_TEST_INFO "test.info", LOG_LEVEL_INFO, "text", "%s"
#define LOST "lost %d lines of the log, because nobody read it\n"
#define PREFIX_LEN strlen("boot: 2026/01/31 23:59:59 ")

struct fixture {
	int saved_stderr;
	int in, out; /* what the log writes comes out of in */
	char text[1 << 20];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	int ends[2];
	fake_clock_install(1000);
	log_set_sink(NULL, NULL);
	f->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	*state = f;
	if (f->saved_stderr < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	f->in = ends[0];
	f->out = ends[1];
	assert_int_equal(fcntl(f->in, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(dup2(f->out, STDERR_FILENO), STDERR_FILENO);
	log_init("boot: ");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	log_init("boot: ");
	dup2(f->saved_stderr, STDERR_FILENO);
	fd_close(&f->saved_stderr);
	fd_close(&f->in);
	fd_close(&f->out);
	fake_clock_remove();
	free(f);
	return 0;
}

static char *drain(struct fixture *f)
{
	size_t len = 0;
	ssize_t n;
	while ((n = read(f->in, f->text + len, sizeof(f->text) - 1 - len)) > 0)
		len += (size_t)n;
	f->text[len] = '\0';
	return f->text;
}

static void say(const char *text)
{
	log_raw(text, strlen(text));
}

/* What was written, without the prefixes of our lines. */
static void expect(struct fixture *f, const char *wanted)
{
	char got[4096] = "";
	size_t len = 0;
	for (const char *p = drain(f); *p != '\0';) {
		if (strncmp(p, "boot: ", 6) == 0)
			p += PREFIX_LEN;
		const char *end = strchrnul(p, '\n');
		end += *end == '\n';
		assert_true(len + (size_t)(end - p) < sizeof(got));
		memcpy(got + len, p, (size_t)(end - p));
		len += (size_t)(end - p);
		p = end;
	}
	assert_string_equal(got, wanted);
}

/* Writes lines until so many of them are lost. */
static void lose(int count)
{
	char text[1001];
	uint64_t before = log_dropped();
	memset(text, 'f', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 100000 && log_dropped() < before + (uint64_t)count; i++)
		log_event(EV_TEST_INFO, text);
	assert_int_equal(log_dropped(), before + (uint64_t)count);
}

static void what_was_lost_is_reported_before_the_next_line(void **state)
{
	struct fixture *f = *state;
	char wanted[256];
	lose(3);
	drain(f);
	log_event(EV_TEST_INFO, "after");
	log_event(EV_TEST_INFO, "more");
	snprintf(wanted, sizeof(wanted), LOST "after\nmore\n", 3);
	expect(f, wanted);
	/* Each loss has its own count. */
	lose(2);
	drain(f);
	log_event(EV_TEST_INFO, "after");
	snprintf(wanted, sizeof(wanted), LOST "after\n", 2);
	expect(f, wanted);
}

static void what_was_lost_is_reported_when_it_is_read_again(void **state)
{
	struct fixture *f = *state;
	char wanted[256];
	lose(5);
	/* Not yet reported, and that is not a lost line. */
	uint64_t before = log_dropped();
	log_report_dropped();
	assert_int_equal(log_dropped(), before);
	drain(f);
	log_report_dropped();
	snprintf(wanted, sizeof(wanted), LOST, 5);
	expect(f, wanted);
	log_report_dropped();
	expect(f, "");
}

static void output_of_children_is_counted_as_well(void **state)
{
	struct fixture *f = *state;
	char wanted[256];
	char text[4000];
	memset(text, 'c', sizeof(text));
	lose(1);
	log_raw(text, sizeof(text));
	drain(f);
	log_event(EV_TEST_INFO, "after");
	snprintf(wanted, sizeof(wanted), LOST "after\n", 2);
	expect(f, wanted);
}

static void an_open_line_of_a_child_is_ended_before_ours(void **state)
{
	struct fixture *f = *state;
	say("one\ntwo");
	log_event(EV_TEST_INFO, "ours");
	say(" and a half\nthree\n");
	log_event(EV_TEST_INFO, "ours");
	expect(f, "one\ntwo\nours\n and a half\nthree\nours\n");
	/* More of the same line is not separated from it. */
	say("fo");
	say("ur\n");
	expect(f, "four\n");
}

static void an_open_line_ends_with_its_child(void **state)
{
	struct fixture *f = *state;
	say("bye");
	log_raw_end();
	log_raw_end();
	assert_int_equal(write(f->out, "daemon\n", 7), 7);
	log_event(EV_TEST_INFO, "ours");
	say("whole\n");
	log_raw_end();
	expect(f, "bye\ndaemon\nours\nwhole\n");
}

/* A file system that gets full in the middle of a line. */
static void a_torn_line_of_ours_is_ended_before_a_child(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	signal(SIGXFSZ, SIG_IGN);
	fd_close(&f->out);
	f->out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(dup2(f->out, STDERR_FILENO), STDERR_FILENO);
	log_init("boot: ");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	const struct rlimit full = {.rlim_cur = PREFIX_LEN + 4, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	log_event(EV_TEST_INFO, "torn line");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	say("child\n");
	AUTO(mem_free) char *text = tempdir_read(dir, "log");
	assert_string_equal(text + PREFIX_LEN, "torn\nchild\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_lost_is_reported_before_the_next_line),
		TEST(what_was_lost_is_reported_when_it_is_read_again),
		TEST(output_of_children_is_counted_as_well),
		TEST(an_open_line_of_a_child_is_ended_before_ours),
		TEST(an_open_line_ends_with_its_child),
		TEST(a_torn_line_of_ours_is_ended_before_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
