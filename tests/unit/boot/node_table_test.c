#include "boot/node_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define S(name) NODE_STATE_##name
#define E(name) NODE_EVENT_##name
#define A(name) NODE_ACTION_##name

/* clang-format off */
/* All transitions by event: the states, the action, the next state. Everything that is missing here
 * is ignored. */
static const struct {
	enum node_event event;
	enum node_state from;
	enum node_action action;
	enum node_state to;
} wanted[] = {
	{E(BEGIN), S(INIT), A(KUBE_SETUP), S(KUBE_SETUP)},
	{E(KUBE_READY), S(KUBE_SETUP), A(START_DAEMON), S(DAEMON)},

	{E(DAEMON_READY), S(DAEMON), A(SUBSCRIBE), S(SUBSCRIBE)},
	{E(DAEMON_READY), S(REISSUE), A(SUBSCRIBE), S(REISSUE)},
	{E(DAEMON_READY), S(AUTH), A(SUBSCRIBE), S(SUBSCRIBE)},

	/* A dead daemon is waited for in every state that needs it; the wait for a new key goes on. */
	{E(DAEMON_DOWN), S(DAEMON), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(SUBSCRIBE), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(LOGIN), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(AUTH), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(REISSUE), A(LOST_DAEMON), S(REISSUE)},
	{E(DAEMON_DOWN), S(SET), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(CONFIGURE), A(LOST_DAEMON), S(DAEMON)},
	{E(DAEMON_DOWN), S(STEADY), A(LOST_DAEMON), S(DAEMON)},
	/* During the stop it is not brought back. */
	{E(DAEMON_DOWN), S(STOP_WITHDRAW), A(STOP_AWAIT_STATE), S(STOP_STATE)},
	{E(DAEMON_DOWN), S(STOP_STATE), A(STOP_AWAIT_STATE), S(STOP_STATE)},
	/* The firewall goes last. */
	{E(DAEMON_STOPPED), S(STOP_DAEMON), A(REMOVE_RULES), S(STOP_RULES)},
	{E(STOP_STEP), S(STOP_RULES), A(FINISH), S(DONE)},
	{E(STOP_BUDGET), S(STOP_RULES), A(FINISH), S(DONE)},

	{E(BUS_OPEN), S(SUBSCRIBE), A(SUBSCRIBED), S(AUTH)},

	/* Reports of the daemon count while they are awaited, and in the steady state. */
	{E(RUNNING), S(AUTH), A(AUTHENTICATED), S(CONFIGURE)},
	{E(RUNNING), S(REISSUE), A(CANCEL_REISSUE), S(AUTH)},
	{E(NEEDS_LOGIN), S(AUTH), A(DECIDE_LOGIN), S(AUTH)},
	{E(NEEDS_LOGIN), S(LOGIN), A(AWAIT_COMMAND), S(LOGIN)},
	{E(NEEDS_LOGIN), S(SET), A(ABANDON_SET), S(AUTH)},
	{E(NEEDS_APPROVAL), S(SET), A(ABANDON_SET), S(AUTH)},
	{E(OTHER_STATE), S(LOGIN), A(AWAIT_COMMAND), S(LOGIN)},
	{E(OTHER_STATE), S(SET), A(ABANDON_SET), S(AUTH)},
	{E(RUNNING), S(LOGIN), A(EXPECT_COMMAND_END), S(LOGIN)},
	{E(LOGIN_REFUSED), S(STEADY), A(DECIDE_REFUSED), S(STEADY)},
	{E(GRACE_OVER), S(STEADY), A(DECIDE_REFUSAL), S(STEADY)},
	{E(KEY_REFUSED), S(STEADY), A(REQUEST_KEY), S(STEADY)},
	{E(RETRY), S(STEADY), A(DECIDE_RECOVERY), S(STEADY)},
	{E(WANT_LOGIN), S(STEADY), A(RUN_UP), S(LOGIN)},
	{E(WANT_REISSUE), S(STEADY), A(REISSUE), S(REISSUE)},
	{E(NEEDS_LOGIN), S(STEADY), A(LEFT_RUNNING), S(AUTH)},
	{E(NEEDS_APPROVAL), S(AUTH), A(SHOW_APPROVAL), S(AUTH)},
	{E(NEEDS_APPROVAL), S(LOGIN), A(SHOW_APPROVAL), S(LOGIN)},
	{E(NEEDS_APPROVAL), S(STEADY), A(LEFT_RUNNING), S(AUTH)},
	{E(OTHER_STATE), S(AUTH), A(SHOW_STATE), S(AUTH)},
	{E(OTHER_STATE), S(STEADY), A(LEFT_RUNNING), S(AUTH)},
	{E(GRACE_OVER), S(AUTH), A(DECIDE_REFUSAL), S(AUTH)},
	{E(KEY_REFUSED), S(AUTH), A(REQUEST_KEY), S(AUTH)},
	{E(RETRY), S(AUTH), A(DECIDE_RECOVERY), S(AUTH)},

	{E(WANT_LOGIN), S(AUTH), A(RUN_UP), S(LOGIN)},
	{E(WANT_REISSUE), S(AUTH), A(REISSUE), S(REISSUE)},
	{E(WANT_SET), S(CONFIGURE), A(RUN_SET), S(SET)},
	{E(COMMAND_OK), S(LOGIN), A(UP_DONE), S(AUTH)},
	{E(COMMAND_OK), S(SET), A(CONFIGURE), S(CONFIGURE)},
	{E(COMMAND_FAILED), S(LOGIN), A(UP_FAILED), S(AUTH)},
	{E(COMMAND_FAILED), S(SET), A(SET_FAILED), S(CONFIGURE)},
	{E(KEY_ISSUED), S(REISSUE), A(KEY_ISSUED), S(DAEMON)},
	{E(KEY_FAILED), S(REISSUE), A(KEY_FAILED), S(AUTH)},
	{E(STEP_OK), S(CONFIGURE), A(ENTER_STEADY), S(STEADY)},

	/* A stop before there is a daemon is over at once. */
	{E(STOP), S(INIT), A(FINISH), S(DONE)},
	{E(STOP), S(KUBE_SETUP), A(REMOVE_RULES), S(STOP_RULES)},
	{E(STOP), S(DAEMON), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(SUBSCRIBE), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(LOGIN), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(AUTH), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(REISSUE), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(SET), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(CONFIGURE), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP), S(STEADY), A(STOP_BEGIN), S(STOP_WITHDRAW)},
	{E(STOP_STEP), S(STOP_WITHDRAW), A(STOP_AWAIT_STATE), S(STOP_STATE)},
	{E(STOP_STEP), S(STOP_STATE), A(STOP_DAEMON), S(STOP_DAEMON)},
	{E(STOP_BUDGET), S(STOP_WITHDRAW), A(STOP_DAEMON), S(STOP_DAEMON)},
	{E(STOP_BUDGET), S(STOP_STATE), A(STOP_DAEMON), S(STOP_DAEMON)},
	{E(STOP_BUDGET), S(STOP_DAEMON), A(FINISH), S(DONE)},
};

static const struct {
	const char *name;
	enum node_deadline deadline;
	const char *text; /* what the fatal sentence must hold, NULL without a deadline */
} states[] = {
	[S(INIT)] = {"Init", NODE_DEADLINE_NEVER, NULL},
	[S(KUBE_SETUP)] = {"KubeSetup", NODE_DEADLINE_ALWAYS,
		"error setting up for running on Kubernetes"},
	[S(DAEMON)] = {"Daemon", NODE_DEADLINE_ALWAYS, "timed out waiting for tailscaled socket"},
	[S(SUBSCRIBE)] = {"Subscribe", NODE_DEADLINE_ALWAYS,
		"failed to watch tailscaled for updates"},
	[S(LOGIN)] = {"Login", NODE_DEADLINE_UNLESS_OTHERS,
		"failed to auth tailscale: failed to auth tailscale: tailscale up failed"},
	[S(AUTH)] = {"Auth", NODE_DEADLINE_UNLESS_OTHERS, "failed to read from tailscaled"},
	[S(REISSUE)] = {"Reissue", NODE_DEADLINE_NEVER, NULL},
	[S(SET)] = {"Set", NODE_DEADLINE_ALWAYS, "failed to auth tailscale: tailscale set failed"},
	[S(CONFIGURE)] = {"Configure", NODE_DEADLINE_ALWAYS, "failed to configure tailscaled"},
	[S(STEADY)] = {"Steady", NODE_DEADLINE_UNLESS_OTHERS, "failed to complete the start-up"},
	[S(STOP_WITHDRAW)] = {"StopWithdraw", NODE_DEADLINE_NEVER, NULL},
	[S(STOP_STATE)] = {"StopState", NODE_DEADLINE_NEVER, NULL},
	[S(STOP_DAEMON)] = {"StopDaemon", NODE_DEADLINE_NEVER, NULL},
	[S(STOP_RULES)] = {"StopRules", NODE_DEADLINE_NEVER, NULL},
	[S(DONE)] = {"Done", NODE_DEADLINE_NEVER, NULL},
};
/* clang-format on */

static struct node_cell want(enum node_state state, enum node_event event)
{
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (wanted[i].from == state && wanted[i].event == event)
			return (struct node_cell){wanted[i].to, wanted[i].action};
	}
	return (struct node_cell){state, NODE_ACTION_NONE};
}

static void test_every_cell(void **unused)
{
	(void)unused;
	for (int s = 0; s < NODE_STATE_COUNT; s++) {
		for (int e = 0; e < NODE_EVENT_COUNT; e++) {
			struct node_cell cell = node_table_look_up(s, e);
			struct node_cell expected = want(s, e);
			if (cell.next != expected.next || cell.action != expected.action)
				fail_msg("%s + %s leads to %s by action %d, not to %s by %d",
					node_state_name(s), node_event_name(e),
					node_state_name(cell.next), cell.action,
					node_state_name(expected.next), expected.action);
		}
	}
}

static void test_a_stop_is_heard_in_every_state_and_final(void **unused)
{
	(void)unused;
	for (int s = 0; s < NODE_STATE_COUNT; s++) {
		struct node_cell cell = node_table_look_up(s, NODE_EVENT_STOP);
		assert_true(node_state_is_stopping(cell.next));
		assert_int_equal(cell.action == NODE_ACTION_NONE, node_state_is_stopping(s));
		for (int e = 0; e < NODE_EVENT_COUNT && node_state_is_stopping(s); e++)
			assert_true(node_state_is_stopping(node_table_look_up(s, e).next));
	}
	for (int e = 0; e < NODE_EVENT_COUNT; e++)
		assert_int_equal(node_table_look_up(NODE_STATE_DONE, e).next, NODE_STATE_DONE);
}

/* From every state the end is reached by a stop, whatever the daemon does. */
static void test_the_budget_ends_every_stop(void **unused)
{
	(void)unused;
	for (int s = 0; s < NODE_STATE_COUNT; s++) {
		enum node_state at = node_table_look_up(s, NODE_EVENT_STOP).next;
		for (int i = 0; i < 2; i++)
			at = node_table_look_up(at, NODE_EVENT_STOP_BUDGET).next;
		assert_int_equal(at, NODE_STATE_DONE);
	}
}

static void test_every_action_and_state_is_reached(void **unused)
{
	bool acted[NODE_ACTION_COUNT] = {[NODE_ACTION_NONE] = true};
	bool reached[NODE_STATE_COUNT] = {[NODE_STATE_INIT] = true};
	(void)unused;
	/* As many rounds as there are states are enough for the longest way. */
	for (int round = 0; round < NODE_STATE_COUNT; round++) {
		for (int s = 0; s < NODE_STATE_COUNT; s++) {
			for (int e = 0; e < NODE_EVENT_COUNT && reached[s]; e++) {
				struct node_cell cell = node_table_look_up(s, e);
				acted[cell.action] = true;
				reached[cell.next] = true;
			}
		}
	}
	for (int a = 0; a < NODE_ACTION_COUNT; a++)
		assert_true(acted[a]);
	for (int s = 0; s < NODE_STATE_COUNT; s++)
		assert_true(reached[s]);
}

/* Where the daemon runs, its death is heard. */
static void test_death_of_the_daemon_is_heard(void **unused)
{
	(void)unused;
	for (int s = NODE_STATE_DAEMON; s < NODE_STATE_STOP_DAEMON; s++)
		assert_int_not_equal(
			node_table_look_up(s, NODE_EVENT_DAEMON_DOWN).action, NODE_ACTION_NONE);
}

static void test_states(void **unused)
{
	(void)unused;
	assert_int_equal(ARRAY_LEN(states), NODE_STATE_COUNT);
	for (int s = 0; s < NODE_STATE_COUNT; s++) {
		assert_string_equal(node_state_name(s), states[s].name);
		assert_int_equal(node_state_deadline(s), states[s].deadline);
		if (states[s].text != NULL)
			assert_non_null(strstr(node_state_deadline_text(s), states[s].text));
		else
			assert_string_equal(node_state_deadline_text(s), "");
	}
}

static void test_names_are_unique(void **unused)
{
	(void)unused;
	for (int a = 0; a < NODE_EVENT_COUNT; a++) {
		assert_true(strlen(node_event_name(a)) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(node_event_name(a), node_event_name(b));
	}
	for (int a = 0; a < NODE_STATE_COUNT; a++) {
		for (int b = 0; b < a; b++)
			assert_string_not_equal(node_state_name(a), node_state_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_a_stop_is_heard_in_every_state_and_final),
		cmocka_unit_test(test_the_budget_ends_every_stop),
		cmocka_unit_test(test_every_action_and_state_is_reached),
		cmocka_unit_test(test_death_of_the_daemon_is_heard),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_names_are_unique),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
