#include "egress/drain_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static const struct drain_limits three_of_five = {.pings = 3, .unreachable_limit = 5};

/* Every state, before a ping that is the last of its round or not, with each sight. */
struct cell {
	struct drain_progress before;
	enum drain_sight sight;
	enum drain_next next;
	enum drain_state state;
	uint32_t failed_rounds;
};

#define STATE(name, left, missed, rounds, answered)                                      \
	{                                                                                \
		.state = DRAIN_STATE_##name, .pings_left = (left), .failures = (missed), \
		.failed_rounds = (rounds), .has_answered = (answered)                    \
	}

static const struct cell cells[] = {
	{STATE(UNKNOWN, 3, 0, 0, false), DRAIN_SIGHT_OURS, DRAIN_NEXT_WAIT, DRAIN_STATE_ROUTED, 0},
	{STATE(UNKNOWN, 1, 0, 0, true), DRAIN_SIGHT_OURS, DRAIN_NEXT_WAIT, DRAIN_STATE_ROUTED, 0},
	{STATE(UNKNOWN, 3, 0, 0, false), DRAIN_SIGHT_OTHER, DRAIN_NEXT_PING, DRAIN_STATE_UNKNOWN,
		0},
	{STATE(UNKNOWN, 1, 0, 0, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_END, DRAIN_STATE_GONE, 0},
	{STATE(UNKNOWN, 3, 0, 0, false), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_PING, DRAIN_STATE_UNKNOWN,
		0},
	{STATE(UNKNOWN, 1, 2, 0, false), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 1},
	{STATE(UNKNOWN, 1, 0, 0, true), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 1},
	{STATE(UNKNOWN, 3, 0, 0, false), DRAIN_SIGHT_NOWHERE, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 1},
	/* An answer of ours after failures begins their count anew. */
	{STATE(ROUTED, 2, 1, 0, true), DRAIN_SIGHT_OURS, DRAIN_NEXT_WAIT, DRAIN_STATE_ROUTED, 0},
	{STATE(ROUTED, 2, 0, 0, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_PING, DRAIN_STATE_ROUTED, 0},
	{STATE(ROUTED, 1, 0, 0, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_END, DRAIN_STATE_GONE, 0},
	{STATE(ROUTED, 3, 0, 0, true), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_PING, DRAIN_STATE_ROUTED, 0},
	{STATE(ROUTED, 1, 2, 0, true), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 1},
	{STATE(ROUTED, 3, 0, 0, true), DRAIN_SIGHT_NOWHERE, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 1},
	{STATE(UNREACHABLE, 3, 0, 4, false), DRAIN_SIGHT_OURS, DRAIN_NEXT_WAIT, DRAIN_STATE_ROUTED,
		0},
	{STATE(UNREACHABLE, 3, 0, 4, false), DRAIN_SIGHT_OTHER, DRAIN_NEXT_PING,
		DRAIN_STATE_UNREACHABLE, 4},
	{STATE(UNREACHABLE, 1, 0, 4, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_END, DRAIN_STATE_GONE, 4},
	/* Not all were answered: the silent one may be us. */
	{STATE(UNREACHABLE, 1, 1, 1, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 2},
	{STATE(UNREACHABLE, 1, 1, 4, true), DRAIN_SIGHT_OTHER, DRAIN_NEXT_END, DRAIN_STATE_GIVEN_UP,
		5},
	/* One that has never answered is asked once in a round. */
	{STATE(UNREACHABLE, 3, 0, 3, false), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 4},
	{STATE(UNREACHABLE, 3, 0, 4, false), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_END,
		DRAIN_STATE_GIVEN_UP, 5},
	{STATE(UNREACHABLE, 3, 0, 4, true), DRAIN_SIGHT_NOTHING, DRAIN_NEXT_PING,
		DRAIN_STATE_UNREACHABLE, 4},
	{STATE(UNREACHABLE, 3, 0, 4, true), DRAIN_SIGHT_NOWHERE, DRAIN_NEXT_END,
		DRAIN_STATE_GIVEN_UP, 5},
	/* What cannot be looked up is neither here nor elsewhere. */
	{STATE(UNKNOWN, 3, 0, 0, false), DRAIN_SIGHT_UNKNOWN, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 0},
	{STATE(ROUTED, 1, 0, 0, true), DRAIN_SIGHT_UNKNOWN, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 0},
	{STATE(UNREACHABLE, 1, 2, 4, true), DRAIN_SIGHT_UNKNOWN, DRAIN_NEXT_WAIT,
		DRAIN_STATE_UNREACHABLE, 4},
};

static void every_state_with_every_sight(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		struct drain_progress p = cells[i].before;
		enum drain_next next = drain_plan_see(&p, &three_of_five, cells[i].sight);
		if (next != cells[i].next || p.state != cells[i].state ||
			p.failed_rounds != cells[i].failed_rounds)
			fail_msg("cell %zu: next %d, state %d, failed rounds %u", i, (int)next,
				(int)p.state, p.failed_rounds);
	}
}

static void no_pings_are_drained(void **state)
{
	const struct drain_limits none = {.unreachable_limit = 5};
	struct drain_progress p = {0};
	(void)state;
	assert_int_equal(drain_plan_begin(&p, &none), DRAIN_NEXT_END);
	assert_int_equal(p.state, DRAIN_STATE_GONE);
	assert_true(drain_plan_is_drained(&p));
}

/* Runs rounds that all see the same; the pings that were sent until the end, or 0 for no end. */
static unsigned int pings_until_end(
	const struct drain_limits *limits, enum drain_sight sight, struct drain_progress *p)
{
	unsigned int pings = 0;
	for (unsigned int round = 0; round < 100; round++) {
		enum drain_next next = drain_plan_begin(p, limits);
		while (next == DRAIN_NEXT_PING) {
			pings++;
			next = drain_plan_see(p, limits, sight);
		}
		if (next == DRAIN_NEXT_END)
			return pings;
	}
	return 0;
}

static void whole_drains(void **state)
{
	static const struct {
		struct drain_limits limits;
		enum drain_sight sight;
		unsigned int pings;
		enum drain_state end;
	} rows[] = {
		{{9, 5}, DRAIN_SIGHT_OTHER, 9, DRAIN_STATE_GONE},
		{{1, 5}, DRAIN_SIGHT_OTHER, 1, DRAIN_STATE_GONE},
		{{9, 5}, DRAIN_SIGHT_NOTHING, 3 + 4, DRAIN_STATE_GIVEN_UP},
		{{1, 5}, DRAIN_SIGHT_NOTHING, 5, DRAIN_STATE_GIVEN_UP},
		{{9, 1}, DRAIN_SIGHT_NOTHING, 3, DRAIN_STATE_GIVEN_UP},
		{{9, 0}, DRAIN_SIGHT_NOTHING, 3, DRAIN_STATE_GIVEN_UP},
		{{9, 5}, DRAIN_SIGHT_NOWHERE, 5, DRAIN_STATE_GIVEN_UP},
		{{9, 5}, DRAIN_SIGHT_OURS, 0, DRAIN_STATE_ROUTED},
		{{1000, 5}, DRAIN_SIGHT_OTHER, 1000, DRAIN_STATE_GONE},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct drain_progress p = {0};
		unsigned int pings = pings_until_end(&rows[i].limits, rows[i].sight, &p);
		if (pings != rows[i].pings || p.state != rows[i].end)
			fail_msg("row %zu: %u pings, state %d", i, pings, (int)p.state);
		assert_int_equal(drain_plan_is_drained(&p), rows[i].pings > 0);
	}
}

static void failures_in_a_row_alone_count(void **state)
{
	struct drain_progress p = {0};
	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		while (drain_plan_begin(&p, &three_of_five) == DRAIN_NEXT_PING &&
			p.failed_rounds < 4) {
			while (drain_plan_see(&p, &three_of_five, DRAIN_SIGHT_NOTHING) ==
				DRAIN_NEXT_PING)
				;
		}
		assert_int_equal(p.state, DRAIN_STATE_UNREACHABLE);
		drain_plan_begin(&p, &three_of_five);
		assert_int_equal(
			drain_plan_see(&p, &three_of_five, DRAIN_SIGHT_OURS), DRAIN_NEXT_WAIT);
		assert_int_equal(p.state, DRAIN_STATE_ROUTED);
	}
}

static void an_answer_behind_a_dead_backend_is_seen(void **state)
{
	const struct drain_limits nine = {.pings = 9, .unreachable_limit = 5};
	struct drain_progress p = {0};
	(void)state;
	drain_plan_begin(&p, &nine);
	assert_int_equal(drain_plan_see(&p, &nine, DRAIN_SIGHT_NOTHING), DRAIN_NEXT_PING);
	assert_int_equal(drain_plan_see(&p, &nine, DRAIN_SIGHT_OTHER), DRAIN_NEXT_PING);
	assert_int_equal(drain_plan_see(&p, &nine, DRAIN_SIGHT_NOTHING), DRAIN_NEXT_PING);
	assert_int_equal(drain_plan_see(&p, &nine, DRAIN_SIGHT_OURS), DRAIN_NEXT_WAIT);
	assert_int_equal(p.state, DRAIN_STATE_ROUTED);
}

static void own_addresses(void **state)
{
	static const struct {
		const char *header, *own;
		bool is_own;
	} rows[] = {
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.2", "10.0.0.1", false},
		{"10.0.0.11", "10.0.0.1", false},
		{"", "10.0.0.1", false},
		{NULL, "10.0.0.1", false},
		{"10.0.0.1", "", false},
		{"", "", false},
		{"nonsense", "10.0.0.1", false},
		{"FD00::1", "fd00::1", true},
		{"fd00:0:0::1", "fd00::1", true},
		{"fd00::2", "fd00::1", false},
		{"10.0.0.1, 10.0.0.2", "10.0.0.1", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (drain_plan_is_own(rows[i].header, rows[i].own) != rows[i].is_own)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_with_every_sight),
		cmocka_unit_test(no_pings_are_drained),
		cmocka_unit_test(whole_drains),
		cmocka_unit_test(failures_in_a_row_alone_count),
		cmocka_unit_test(an_answer_behind_a_dead_backend_is_seen),
		cmocka_unit_test(own_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
