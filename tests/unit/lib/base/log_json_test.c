#include "lib/base/log_json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define EV_TEST_ALL                                                    \
	"test.all", LOG_LEVEL_WARNING, "who,share,count,size,sum,cut", \
		"%s has 100%% of %d in %u, %zu bytes, %llu, %.*s"
#define EV_TEST_TEXT "test.text", LOG_LEVEL_INFO, "text", "said: %s"
#define LINE_MAX_BYTES 4096

static char line[LINE_MAX_BYTES + 1];

/* The line as a document; it is complete and ends with one line end. */
static struct json *written(const char *path)
{
	struct err e;
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, line, sizeof(line));
	assert_in_range(len, 2, LINE_MAX_BYTES);
	assert_int_equal(line[len - 1], '\n');
	struct json *doc = json_parse(line, (size_t)len - 1, &e);
	assert_non_null(doc);
	return doc;
}

static void log_to(const char *path, int *saved)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(fd, STDERR_FILENO);
	log_init("");
	log_set_form(log_json);
}

static void log_back(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	log_set_form(NULL);
	log_init("");
}

static void arguments_are_members(void **state)
{
	int saved;
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	log_to(path, &saved);
	log_event(EV_TEST_ALL, "a\"b\\\xff", -3, 7u, (size_t)9, 1234567890123ull, 2, "xyz");
	log_back(saved);
	AUTO(json_freep) struct json *doc = written(path);
	int64_t number;
	assert_string_equal(json_str(json_get(doc, "event")), "test.all");
	assert_string_equal(json_str(json_get(doc, "level")), "warning");
	assert_string_equal(json_str(json_get(doc, "who")), "a\"b\\\xef\xbf\xbd");
	assert_true(json_i64(json_get(doc, "share"), &number) && number == -3);
	assert_true(json_i64(json_get(doc, "count"), &number) && number == 7);
	assert_true(json_i64(json_get(doc, "size"), &number) && number == 9);
	assert_true(json_i64(json_get(doc, "sum"), &number) && number == 1234567890123);
	assert_string_equal(json_str(json_get(doc, "cut")), "xy");
	assert_int_equal(strlen(json_str(json_get(doc, "time"))), strlen("2026-01-31T23:59:59Z"));
	assert_non_null(strstr(json_str(json_get(doc, "message")), "100% of -3 in 7"));
}

/* A text that is all escapes, longer than a line: the object is complete all the same. */
static void long_lines_stay_objects(void **state)
{
	static char text[8192];
	int saved;
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	for (size_t i = 0; i < 2; i++) {
		memset(text, i == 0 ? '"' : 'x', sizeof(text) - 1);
		log_to(path, &saved);
		log_event(EV_TEST_TEXT, text);
		log_back(saved);
		AUTO(json_freep) struct json *doc = written(path);
		assert_true(strlen(json_str(json_get(doc, "message"))) > 600);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_members),
		cmocka_unit_test(long_lines_stay_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
