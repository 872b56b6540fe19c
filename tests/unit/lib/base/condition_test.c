#include "lib/base/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"

static void every_code_has_its_row(void **state)
{
	(void)state;
	for (int i = 0; i < CONDITION_COUNT; i++) {
		const char *name = condition_name((enum condition_code)i);
		assert_non_null(name);
		assert_true(name[0] >= 'A' && name[0] <= 'Z');
		assert_true(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
			    strlen(name));
		assert_true(strlen(condition_meaning((enum condition_code)i)) > 0);
		assert_true(strlen(condition_advice((enum condition_code)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, condition_name((enum condition_code)j));
	}
	assert_string_equal(condition_name(CONDITION_KEY_USED), "KeyUsed");
	assert_string_equal(
		condition_name(CONDITION_CONTROL_TLS_WRONG_HOST), "ControlTLSWrongHost");
	assert_string_equal(condition_name(CONDITION_KEY_REISSUE_PENDING), "KeyReissuePending");
}

static void each_transition_is_logged_once(void **state)
{
	(void)state;
	struct condition_set set = {0};
	struct log_capture log = {0};
	log_capture_start(&log);
	fake_clock_install(1000);
	assert_false(condition_is_raised(&set, CONDITION_KEY_USED));
	condition_clear(&set, CONDITION_KEY_USED);
	assert_int_equal(log.texts.len, 0);
	condition_raise(&set, CONDITION_KEY_USED, "authkey %s", "already used");
	condition_raise(&set, CONDITION_KEY_USED, "authkey already used");
	assert_int_equal(log.texts.len, 1);
	assert_string_equal(log.texts.items[0],
		"condition KeyUsed: authkey already used (use a fresh or a reusable key)");
	assert_true(condition_is_raised(&set, CONDITION_KEY_USED));
	fake_clock_advance_ms(1500);
	condition_raise(&set, CONDITION_KEY_USED, "other");
	assert_string_equal(log.texts.items[1], "condition KeyUsed now: other");
	assert_int_equal(set.items[CONDITION_KEY_USED].since_ms, 1000);
	fake_clock_advance_ms(1500);
	condition_clear(&set, CONDITION_KEY_USED);
	condition_clear(&set, CONDITION_KEY_USED);
	assert_int_equal(log.texts.len, 3);
	assert_string_equal(log.texts.items[2], "condition KeyUsed cleared after 3 s");
	assert_int_equal(set.items[CONDITION_KEY_USED].transitions, 3);
	assert_false(condition_is_raised(&set, CONDITION_KEY_USED));
	condition_raise(&set, CONDITION_KEY_USED, "other");
	assert_int_equal(set.items[CONDITION_KEY_USED].since_ms, 4000);
	assert_int_equal(log.texts.len, 4);
	fake_clock_remove();
	log_capture_stop(&log);
}

static void reasons_are_one_line_of_whole_characters(void **state)
{
	(void)state;
	struct condition_set set = {0};
	struct log_capture log = {0};
	const char *reason = set.items[CONDITION_CONTROL_ERROR].reason;
	char text[CONDITION_REASON_MAX + 10];
	log_capture_start(&log);
	condition_raise(&set, CONDITION_CONTROL_ERROR, "a\nb\x1b[31m\tc\r\n");
	assert_string_equal(reason, "a b [31m c");
	condition_raise(&set, CONDITION_CONTROL_ERROR, "%s", " \n");
	assert_string_equal(reason, "The control server answers with errors");
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 1] = '\0';
	condition_raise(&set, CONDITION_CONTROL_ERROR, "%s", text);
	assert_int_equal(strlen(reason), CONDITION_REASON_MAX - 2);
	condition_raise(&set, CONDITION_CONTROL_ERROR, "x%s", text);
	assert_int_equal(strlen(reason), CONDITION_REASON_MAX - 1);
	log_capture_stop(&log);
}

static void a_range_clears_its_ends_and_no_more(void **state)
{
	(void)state;
	struct condition_set set = {0};
	struct log_capture log = {0};
	log_capture_start(&log);
	for (int i = 0; i < CONDITION_COUNT; i++)
		condition_raise(&set, (enum condition_code)i, "x");
	condition_clear_range(&set, CONDITION_KEY_MISSING, CONDITION_STATE_LOST);
	for (int i = 0; i < CONDITION_COUNT; i++)
		assert_int_equal(condition_is_raised(&set, (enum condition_code)i),
			i > CONDITION_STATE_LOST);
	condition_clear_range(&set, CONDITION_DAEMON_DOWN, CONDITION_KEY_REISSUE_PENDING);
	assert_false(condition_is_raised(&set, CONDITION_KEY_REISSUE_PENDING));
	log_capture_stop(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_row),
		cmocka_unit_test(each_transition_is_logged_once),
		cmocka_unit_test(reasons_are_one_line_of_whole_characters),
		cmocka_unit_test(a_range_clears_its_ends_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
