#include "boot/daemon/daemon_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define S(name) DAEMON_STATE_##name
#define E(name) DAEMON_EVENT_##name
#define A(name) DAEMON_ACTION_##name

/* clang-format off */
static const struct {
	enum daemon_event event;
	enum daemon_state from;
	enum daemon_action action;
	enum daemon_state to;
} wanted[] = {
	{E(START), S(IDLE), A(SPAWN), S(STARTING)},
	{E(CONNECTED), S(STARTING), A(READY), S(UP)},

	{E(EXITED), S(STARTING), A(CRASHED), S(WAITING)},
	{E(EXITED), S(OVERDUE), A(CRASHED), S(WAITING)},
	{E(EXITED), S(UP), A(CRASHED), S(WAITING)},
	{E(EXITED), S(RECYCLING), A(RESPAWN), S(STARTING)},
	{E(EXITED), S(TERMINATING), A(STOPPED), S(ENDED)},
	{E(EXITED), S(KILLING), A(STOPPED), S(ENDED)},

	{E(TIMER), S(STARTING), A(KILL_OVERDUE), S(OVERDUE)},
	{E(TIMER), S(WAITING), A(RESPAWN), S(STARTING)},
	{E(TIMER), S(RECYCLING), A(KILL_RECYCLED), S(RECYCLING)},
	{E(TIMER), S(TERMINATING), A(KILL), S(KILLING)},

	{E(RESTART), S(STARTING), A(RECYCLE), S(RECYCLING)},
	{E(RESTART), S(UP), A(RECYCLE), S(RECYCLING)},
	{E(RESTART), S(WAITING), A(RESPAWN), S(STARTING)},

	{E(STOP), S(IDLE), A(STOPPED), S(ENDED)},
	{E(STOP), S(STARTING), A(TERMINATE), S(TERMINATING)},
	{E(STOP), S(OVERDUE), A(TERMINATE), S(TERMINATING)},
	{E(STOP), S(UP), A(TERMINATE), S(TERMINATING)},
	{E(STOP), S(WAITING), A(STOPPED), S(ENDED)},
	{E(STOP), S(RECYCLING), A(TERMINATE), S(TERMINATING)},
	{E(STOP), S(ENDED), A(STOPPED), S(ENDED)},
};
/* clang-format on */

static bool is_over(enum daemon_state s)
{
	return s == S(TERMINATING) || s == S(KILLING) || s == S(ENDED);
}

static void test_every_cell(void **unused)
{
	(void)unused;
	for (int s = 0; s < DAEMON_STATE_COUNT; s++) {
		for (int e = 0; e < DAEMON_EVENT_COUNT; e++) {
			struct daemon_cell cell = daemon_table_look_up(s, e);
			struct daemon_cell expected = {s, A(NONE)};
			for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
				if ((int)wanted[i].from == s && (int)wanted[i].event == e)
					expected = (struct daemon_cell){
						wanted[i].to, wanted[i].action};
			}
			if (cell.next != expected.next || cell.action != expected.action)
				fail_msg("%s + %s leads to %s by action %d", daemon_state_name(s),
					daemon_event_name(e), daemon_state_name(cell.next),
					cell.action);
		}
	}
}

/* After a stop nothing starts it again, and one stop is enough. */
static void test_a_stop_is_final(void **unused)
{
	(void)unused;
	for (int s = 0; s < DAEMON_STATE_COUNT; s++) {
		assert_true(is_over(daemon_table_look_up(s, E(STOP)).next));
		for (int e = 0; e < DAEMON_EVENT_COUNT && is_over(s); e++) {
			struct daemon_cell cell = daemon_table_look_up(s, e);
			assert_true(is_over(cell.next));
			assert_int_not_equal(cell.action, A(SPAWN));
			assert_int_not_equal(cell.action, A(RESPAWN));
		}
	}
}

static void test_every_action_and_state_is_reached(void **unused)
{
	bool acted[DAEMON_ACTION_COUNT] = {[DAEMON_ACTION_NONE] = true};
	bool reached[DAEMON_STATE_COUNT] = {[DAEMON_STATE_IDLE] = true};
	(void)unused;
	for (int round = 0; round < DAEMON_STATE_COUNT; round++) {
		for (int s = 0; s < DAEMON_STATE_COUNT; s++) {
			for (int e = 0; e < DAEMON_EVENT_COUNT && reached[s]; e++) {
				struct daemon_cell cell = daemon_table_look_up(s, e);
				acted[cell.action] = true;
				reached[cell.next] = true;
			}
		}
	}
	for (int a = 0; a < DAEMON_ACTION_COUNT; a++)
		assert_true(acted[a]);
	for (int s = 0; s < DAEMON_STATE_COUNT; s++)
		assert_true(reached[s]);
}

static void test_names_are_unique(void **unused)
{
	(void)unused;
	for (int a = 0; a < DAEMON_STATE_COUNT; a++) {
		assert_true(strlen(daemon_state_name(a)) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(daemon_state_name(a), daemon_state_name(b));
	}
	for (int a = 0; a < DAEMON_EVENT_COUNT; a++) {
		assert_true(strlen(daemon_event_name(a)) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(daemon_event_name(a), daemon_event_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_a_stop_is_final),
		cmocka_unit_test(test_every_action_and_state_is_reached),
		cmocka_unit_test(test_names_are_unique),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
