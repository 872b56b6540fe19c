#include "lib/base/condition.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"

static CONDITION_KIND(key_used, "login", CONDITION_BLOCKS, "KeyUsed", "The auth key was used",
	"use a fresh or a reusable key");
static CONDITION_KIND(control_error, "login", CONDITION_BLOCKS, "ControlError",
	"The control server answers with errors", "check its log");
static CONDITION_KIND(
	daemon_down, "daemon", CONDITION_BLOCKS, "DaemonDown", "It is not running", "see its log");
static CONDITION_KIND(
	of_another_program, "daemon", CONDITION_BLOCKS, "OfAnother", "It is not here", "go there");

#define KEY_USED (&condition_key_used)
#define CONTROL_ERROR (&condition_control_error)
#define DAEMON_DOWN (&condition_daemon_down)

static const struct condition_kind *const kinds[] = {DAEMON_DOWN, KEY_USED, CONTROL_ERROR};

static void count_call(void *arg)
{
	unsigned int *calls = arg;
	(*calls)++;
}

static void each_transition_is_reported_to_the_watcher(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	unsigned int calls = 0;
	log_capture_start(&log);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	condition_set_watch(&set, count_call, &calls);
	condition_clear(&set, KEY_USED);
	assert_int_equal(calls, 0);
	condition_raise(&set, KEY_USED, "one");
	condition_raise(&set, KEY_USED, "one");
	assert_int_equal(calls, 1);
	condition_raise(&set, KEY_USED, "two");
	assert_int_equal(calls, 2);
	condition_clear(&set, KEY_USED);
	condition_clear(&set, KEY_USED);
	assert_int_equal(calls, 3);
	log_capture_stop(&log);
}

static void each_transition_is_logged_once(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	log_capture_start(&log);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	fake_clock_install(1000);
	assert_false(condition_is_raised(&set, KEY_USED));
	condition_clear(&set, KEY_USED);
	assert_int_equal(log.texts.len, 0);
	condition_raise(&set, KEY_USED, "authkey %s", "already used");
	condition_raise(&set, KEY_USED, "authkey already used");
	assert_int_equal(log.texts.len, 1);
	assert_string_equal(log.texts.items[0],
		"condition KeyUsed: authkey already used (use a fresh or a reusable key)");
	assert_true(condition_is_raised(&set, KEY_USED));
	fake_clock_advance_ms(1500);
	condition_raise(&set, KEY_USED, "other");
	assert_string_equal(log.texts.items[1], "condition KeyUsed now: other");
	assert_int_equal(condition_get(&set, KEY_USED)->since_ms, 1000);
	fake_clock_advance_ms(1500);
	condition_clear(&set, KEY_USED);
	condition_clear(&set, KEY_USED);
	assert_int_equal(log.texts.len, 3);
	assert_string_equal(log.texts.items[2], "condition KeyUsed cleared after 3 s");
	assert_int_equal(condition_get(&set, KEY_USED)->transitions, 3);
	assert_false(condition_is_raised(&set, KEY_USED));
	condition_raise(&set, KEY_USED, "other");
	assert_int_equal(condition_get(&set, KEY_USED)->since_ms, 4000);
	assert_int_equal(log.texts.len, 4);
	fake_clock_remove();
	log_capture_stop(&log);
}

static void reasons_are_one_line_of_whole_characters(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	char text[CONDITION_REASON_MAX + 10];
	log_capture_start(&log);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	const char *reason = condition_get(&set, CONTROL_ERROR)->reason;
	condition_raise(&set, CONTROL_ERROR, "a\nb\x1b[31m\tc\r\n");
	assert_string_equal(reason, "a b [31m c");
	condition_raise(&set, CONTROL_ERROR, "%s", " \n");
	assert_string_equal(reason, "The control server answers with errors");
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 1] = '\0';
	condition_raise(&set, CONTROL_ERROR, "%s", text);
	assert_int_equal(strlen(reason), CONDITION_REASON_MAX - 2);
	condition_raise(&set, CONTROL_ERROR, "x%s", text);
	assert_int_equal(strlen(reason), CONDITION_REASON_MAX - 1);
	log_capture_stop(&log);
}

static void a_long_reason_keeps_its_end(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	char path[600];
	log_capture_start(&log);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	const char *reason = condition_get(&set, CONTROL_ERROR)->reason;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	condition_raise(&set, CONTROL_ERROR, "write %s: read-only file system", path);
	assert_int_equal(strlen(reason), CONDITION_REASON_MAX - 1);
	assert_memory_equal(reason, "write pp", 8);
	assert_non_null(strstr(reason, "p\xe2\x80\xa6p"));
	assert_non_null(strstr(reason, "p: read-only file system"));
	/* A difference in the middle is still another cause. */
	path[300] = 'q';
	condition_raise(&set, CONTROL_ERROR, "write %s: read-only file system", path);
	assert_int_equal(log.texts.len, 2);
	log_capture_stop(&log);
}

static void a_changing_port_is_one_condition(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	log_capture_start(&log);
	fake_clock_install(1000);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	for (int i = 0; i < 200; i++) {
		condition_raise(
			&set, CONTROL_ERROR, "read tcp 10.0.0.5:%d->1.2.3.4:443: reset", 40000 + i);
		fake_clock_advance_ms(1000);
	}
	assert_int_equal(log.texts.len, 1);
	const struct condition *c = condition_get(&set, CONTROL_ERROR);
	assert_string_equal(c->reason, "read tcp 10.0.0.5:40199->1.2.3.4:443: reset");
	assert_int_equal(c->since_ms, 1000);
	assert_int_equal(c->transitions, 1);
	fake_clock_remove();
	log_capture_stop(&log);
}

static void on_withheld(void *arg)
{
	(*(unsigned int *)arg)++;
}

static void lines_of_a_minute_are_bounded(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	unsigned int withheld = 0;
	log_capture_start(&log);
	fake_clock_install(100000);
	condition_set_add(&set, kinds, ARRAY_LEN(kinds));
	condition_on_withheld(&set, on_withheld, &withheld);
	for (int i = 0; i < 200; i++) {
		condition_raise(&set, CONTROL_ERROR, "exit status %d", 1 + i % 2);
		fake_clock_advance_ms(100);
	}
	assert_int_equal(log.texts.len, CONDITION_LINES);
	assert_int_equal(withheld, 1);
	/* Other conditions are not delayed by it. */
	condition_raise(&set, KEY_USED, "x");
	assert_int_equal(log.texts.len, CONDITION_LINES + 1);
	condition_report(&set);
	assert_int_equal(log.texts.len, CONDITION_LINES + 1);
	assert_int_equal(withheld, 2);
	fake_clock_advance_ms(CONDITION_LINES_MS);
	condition_report(&set);
	condition_report(&set);
	assert_int_equal(log.texts.len, CONDITION_LINES + 2);
	assert_string_equal(log.texts.items[CONDITION_LINES + 1],
		"condition ControlError changed 194 more times within a minute, now: exit status 2");
	/* The next change also writes the summary, without condition_report. */
	for (int i = 0; i < 4; i++) {
		condition_clear(&set, CONTROL_ERROR);
		condition_raise(&set, CONTROL_ERROR, "flaps");
	}
	condition_clear(&set, CONTROL_ERROR);
	fake_clock_advance_ms(CONDITION_LINES_MS);
	size_t before = log.texts.len;
	condition_raise(&set, CONTROL_ERROR, "again");
	assert_int_equal(log.texts.len, before + 2);
	assert_string_equal(log.texts.items[before],
		"condition ControlError changed 4 more times within a minute, now: cleared");
	fake_clock_remove();
	log_capture_stop(&log);
}

static void a_group_is_looked_through_in_the_order_of_the_table(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set set = {0};
	struct log_capture log = {0};
	log_capture_start(&log);
	condition_set_add(&set, kinds, 1);
	condition_set_add(&set, kinds + 1, ARRAY_LEN(kinds) - 1);
	assert_null(condition_first_raised(&set, "login"));
	condition_raise(&set, DAEMON_DOWN, "x");
	assert_null(condition_first_raised(&set, "login"));
	condition_raise(&set, CONTROL_ERROR, "x");
	assert_ptr_equal(condition_first_raised(&set, "login")->kind, CONTROL_ERROR);
	condition_raise(&set, KEY_USED, "x");
	assert_ptr_equal(condition_first_raised(&set, "login")->kind, KEY_USED);
	assert_ptr_equal(condition_first_raised(&set, "daemon")->kind, DAEMON_DOWN);
	log_capture_stop(&log);
}

/* Otherwise it would be lost silently. */
static void a_kind_that_is_not_listed_ends_the_process(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		struct condition_set set = {0};
		condition_set_add(&set, kinds, ARRAY_LEN(kinds));
		condition_clear(&set, &condition_of_another_program);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_transition_is_logged_once),
		cmocka_unit_test(each_transition_is_reported_to_the_watcher),
		cmocka_unit_test(reasons_are_one_line_of_whole_characters),
		cmocka_unit_test(a_long_reason_keeps_its_end),
		cmocka_unit_test(a_changing_port_is_one_condition),
		cmocka_unit_test(lines_of_a_minute_are_bounded),
		cmocka_unit_test(a_group_is_looked_through_in_the_order_of_the_table),
		cmocka_unit_test(a_kind_that_is_not_listed_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
