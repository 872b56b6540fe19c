#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/tempdir.h"

#define EV_TEST_INFO "test.info", LOG_LEVEL_INFO, "text", "%s"
#define EV_TEST_WARNING "test.warning", LOG_LEVEL_WARNING, "text", "%s"
#define EV_TEST_FIXED \
	"test.fixed", LOG_LEVEL_INFO, "", "Startup complete, waiting for shutdown signal"
#define EV_TEST_DEBUG "test.debug", LOG_LEVEL_DEBUG, "text", "%s"
#define PREFIX_LEN strlen("boot: 2026/01/31 23:59:59 ")

static int saved_stderr = -1;
static char read_text[1 << 20];

static int setup(void **state)
{
	(void)state;
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	fake_clock_install(1000);
	log_set_sink(NULL, NULL);
	return saved_stderr < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	/* Done first, because a test may have closed it, and open would fill the gap. */
	dup2(saved_stderr, STDERR_FILENO);
	/* A second log_init on a regular file makes the log give up its private descriptor. */
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	log_init("boot: ");
	dup2(saved_stderr, STDERR_FILENO);
	fd_close(&saved_stderr);
	fake_clock_remove();
	return 0;
}

/* Makes fd descriptor 2 and lets the log detect its kind. */
static void log_to(int fd)
{
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_init("boot: ");
}

/* Everything that can be read now. */
static const char *drain(int fd)
{
	size_t len = 0;
	ssize_t n;
	while ((n = read(fd, read_text + len, sizeof(read_text) - 1 - len)) > 0)
		len += (size_t)n;
	read_text[len] = '\0';
	return read_text;
}

static void make_pipe(int ends[static 2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
}

/* "boot: dddd/dd/dd dd:dd:dd " */
static void assert_prefix(const char *line)
{
	const char *shape = "boot: 0000/00/00 00:00:00 ";
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == '0')
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], shape[i]);
	}
}

static void a_line_is_prefix_text_end(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	int ends[2];
	make_pipe(ends);
	in = ends[0];
	out = ends[1];
	log_to(out);
	log_event(EV_TEST_FIXED);
	const char *text = drain(in);
	assert_prefix(text);
	assert_string_equal(text + PREFIX_LEN, "Startup complete, waiting for shutdown signal\n");
	/* The shared description is unchanged. */
	assert_int_equal(fcntl(out, F_GETFL) & O_NONBLOCK, 0);
}

static void control_characters_are_blanked(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	int ends[2];
	make_pipe(ends);
	in = ends[0];
	out = ends[1];
	log_to(out);
	log_event(EV_TEST_INFO, "a\nboot: b\r\x1b[0m\tc\x7f\x01|\xc2\x9b|\xc3\xa9|\xc2\xa0|\xc2");
	assert_string_equal(
		drain(in) + PREFIX_LEN, "a boot: b  [0m\tc  |  |\xc3\xa9|\xc2\xa0|\xc2\n");
}

static void long_lines_are_cut_between_characters(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	char text[9001];
	int ends[2];
	make_pipe(ends);
	in = ends[0];
	out = ends[1];
	log_to(out);
	for (size_t start = 0; start < 4; start++) {
		memset(text, 'x', start);
		for (size_t i = start; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		text[sizeof(text) - 1] = '\0';
		log_event(EV_TEST_INFO, text);
		const char *line = drain(in);
		size_t len = strlen(line);
		assert_in_range(len, 4090, 4096);
		assert_int_equal(line[len - 1], '\n');
		assert_memory_equal(line + len - 5, "\xf0\x9f\x98\x80", 4);
	}
}

static void errno_is_kept_and_m_works(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	int ends[2];
	make_pipe(ends);
	in = ends[0];
	out = ends[1];
	log_to(out);
	errno = ENOENT;
	log_emit("test.errno", LOG_LEVEL_INFO, "", "open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(drain(in) + PREFIX_LEN, "open: No such file or directory\n");
}

/* Writes until something is lost; a blocking write would never return. Returns the lines
 * written. */
static int fill(void)
{
	uint64_t before = log_dropped();
	char text[1001];
	int lines = 0;
	memset(text, 'f', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (log_dropped() == before && lines < 100000) {
		log_event(EV_TEST_INFO, text);
		lines++;
	}
	assert_int_equal(log_dropped(), before + 1);
	return lines - 1;
}

/* Each line must begin with the prefix, whatever was lost before it. */
static int count_whole_lines(char *text)
{
	int lines = 0;
	char *end;
	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		assert_true(end - text >= (long)PREFIX_LEN);
		assert_prefix(text);
		lines++;
	}
	assert_int_equal(*text, '\0');
	return lines;
}

static void a_stalled_pipe_drops_whole_lines(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	int ends[2];
	make_pipe(ends);
	in = ends[0];
	out = ends[1];
	log_to(out);
	int taken = fill();
	drain(in);
	assert_int_equal(count_whole_lines(read_text), taken);
	log_event(EV_TEST_INFO, "after");
	drain(in);
	assert_int_equal(count_whole_lines(read_text), 2);
	assert_non_null(strstr(read_text, "after\n"));
}

static void a_stalled_socket_drops_lines(void **state)
{
	(void)state;
	AUTO(fd_close) int in = -1;
	AUTO(fd_close) int out = -1;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	in = ends[0];
	out = ends[1];
	assert_int_equal(fcntl(in, F_SETFL, O_NONBLOCK), 0);
	log_to(out);
	int taken = fill();
	drain(in);
	assert_int_equal(count_whole_lines(read_text), taken);
	/* A vanished reader costs lines, not the process. */
	fd_close(&in);
	uint64_t before = log_dropped();
	log_event(EV_TEST_INFO, "lost");
	assert_int_equal(log_dropped(), before + 1);
}

static void a_stalled_terminal_tears_no_later_line(void **state)
{
	(void)state;
	AUTO(fd_close) int in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(in >= 0);
	assert_int_equal(grantpt(in), 0);
	assert_int_equal(unlockpt(in), 0);
	char name[64];
	assert_int_equal(ptsname_r(in, name, sizeof(name)), 0);
	AUTO(fd_close) int out = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(out >= 0);
	log_to(out);
	fill();
	/* The kernel passes on the data of a terminal in steps. */
	char all[1 << 16] = "";
	size_t len = 0;
	for (int i = 0; i < 1000 && strstr(all, "after\r\n") == NULL; i++) {
		const char *text = drain(in);
		len = (size_t)(stpcpy(all + len, text) - all);
		if (text[0] == '\0')
			log_event(EV_TEST_INFO, "after");
	}
	assert_true(count_whole_lines(all) > 1);
}

static void a_file_keeps_its_offset(void **state)
{
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	log_to(fd);
	assert_int_equal(write(fd, "child 1\n", 8), 8);
	log_event(EV_TEST_INFO, "ours 1");
	assert_int_equal(write(fd, "child 2\n", 8), 8);
	log_event(EV_TEST_INFO, "ours 2");
	AUTO(mem_free) char *text = tempdir_read(dir, "log");
	assert_int_equal(strlen(text), 8 + PREFIX_LEN + 7 + 8 + PREFIX_LEN + 7);
	assert_string_equal(text + strlen(text) - 7, "ours 2\n");
}

static void a_closed_descriptor_counts(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	log_init("boot: ");
	uint64_t before = log_dropped();
	log_event(EV_TEST_INFO, "lost");
	assert_int_equal(log_dropped(), before + 1);
}

static void equal_warnings_are_counted(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	for (int i = 0; i < 5; i++)
		log_event(EV_TEST_WARNING, "same");
	assert_int_equal(log.texts.len, 1);
	log_event(EV_TEST_INFO, "next");
	assert_int_equal(log.texts.len, 3);
	assert_string_equal(log.texts.items[1], "last message repeated 4 times");
	assert_string_equal(log.ids.items[1], "log.repeated");
	assert_string_equal(log.texts.items[2], "next");
	/* Another line in between makes it new again. */
	log_event(EV_TEST_WARNING, "same");
	assert_string_equal(log.texts.items[3], "same");
	log_capture_stop(&log);
}

static void equal_warnings_are_news_after_a_while(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	log_event(EV_TEST_WARNING, "same");
	fake_clock_advance_ms(9999);
	log_event(EV_TEST_WARNING, "same");
	assert_int_equal(log.texts.len, 1);
	fake_clock_advance_ms(1);
	log_event(EV_TEST_WARNING, "same");
	assert_int_equal(log.texts.len, 3);
	assert_string_equal(log.texts.items[1], "last message repeated 1 times");
	assert_string_equal(log.texts.items[2], "same");
	log_event(EV_TEST_WARNING, "same");
	assert_int_equal(log.texts.len, 3);
	log_capture_stop(&log);
}

static void equal_notices_are_all_written(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	log_event(EV_TEST_INFO, "same");
	log_event(EV_TEST_INFO, "same");
	log_event(EV_TEST_WARNING, "");
	log_event(EV_TEST_WARNING, "same");
	log_event(EV_TEST_INFO, "same");
	assert_int_equal(log.texts.len, 5);
	assert_int_equal(log.worst, LOG_LEVEL_WARNING);
	log_capture_reset(&log);
	log_event(EV_TEST_INFO, "same");
	assert_int_equal(log_capture_count(&log, "sam"), 1);
	assert_int_equal(log_capture_count_id(&log, "test.info"), 1);
	log_capture_stop(&log);
}

static void levels_below_are_dropped(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	log_event(EV_TEST_DEBUG, "hidden");
	log_set_level(LOG_LEVEL_DEBUG);
	log_event(EV_TEST_DEBUG, "shown");
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(log.texts.len, 1);
	assert_true(log_capture_has(&log, "shown"));
	log_capture_stop(&log);
}

#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_is_prefix_text_end),
		LOG_TEST(control_characters_are_blanked),
		LOG_TEST(long_lines_are_cut_between_characters),
		LOG_TEST(errno_is_kept_and_m_works),
		LOG_TEST(a_stalled_pipe_drops_whole_lines),
		LOG_TEST(a_stalled_socket_drops_lines),
		LOG_TEST(a_stalled_terminal_tears_no_later_line),
		LOG_TEST(a_file_keeps_its_offset),
		LOG_TEST(a_closed_descriptor_counts),
		LOG_TEST(equal_warnings_are_counted),
		LOG_TEST(equal_warnings_are_news_after_a_while),
		LOG_TEST(equal_notices_are_all_written),
		LOG_TEST(levels_below_are_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
