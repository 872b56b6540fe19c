#include "egress/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_model.h"
#include "tests/support/tailnet.h"

#define LIMIT_MS 6000

struct cell {
	enum egress_answer before;
	enum egress_answer_event event;
	enum egress_answer after;
};

#define CELL(before, event, after)                                                         \
	{                                                                                  \
		EGRESS_ANSWER_##before, EGRESS_ANSWER_EVENT_##event, EGRESS_ANSWER_##after \
	}

static const struct cell cells[] = {
	CELL(UNASKED, ASKED, AWAITED),
	CELL(UNASKED, ANSWERED, GIVEN),
	CELL(UNASKED, LIMIT, UNASKED),
	CELL(UNASKED, LOST, UNASKED),
	CELL(AWAITED, ASKED, AWAITED),
	CELL(AWAITED, ANSWERED, GIVEN),
	CELL(AWAITED, LIMIT, OVERDUE),
	/* The limit counts only while the node is Running. */
	CELL(AWAITED, LOST, UNASKED),
	/* What was verified once is not withdrawn. */
	CELL(GIVEN, ASKED, GIVEN),
	CELL(GIVEN, ANSWERED, GIVEN),
	CELL(GIVEN, LIMIT, GIVEN),
	CELL(GIVEN, LOST, GIVEN),
	CELL(OVERDUE, ASKED, OVERDUE),
	CELL(OVERDUE, ANSWERED, GIVEN),
	CELL(OVERDUE, LIMIT, OVERDUE),
	CELL(OVERDUE, LOST, OVERDUE),
};

static void every_cell(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LEN(cells), EGRESS_ANSWER_COUNT * EGRESS_ANSWER_EVENT_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		assert_int_equal(
			egress_answer_next(cells[i].before, cells[i].event), cells[i].after);
}

static void want(struct egress_answers *a, const char *const texts[], size_t count, uint64_t now)
{
	struct nft_addresses list = {0};
	for (size_t i = 0; i < count; i++) {
		struct ipaddr addr = tailnet_addr(texts[i]);
		nft_addresses_add(&list, &addr);
	}
	egress_answers_want(a, list.items, list.len, now);
	nft_addresses_fini(&list);
}

#define WANT(a, now, ...)                           \
	want(a, (const char *const[]){__VA_ARGS__}, \
		ARRAY_LEN(((const char *const[]){__VA_ARGS__})), now)

static bool answer(struct egress_answers *a, const char *text)
{
	struct ipaddr addr = tailnet_addr(text);
	return egress_answers_answered(a, &addr);
}

static bool allows(const struct egress_answers *a, const char *text)
{
	struct nft_addresses list = {0};
	struct ipaddr addr = tailnet_addr(text);
	nft_addresses_add(&list, &addr);
	bool is_allowed = egress_answers_allow(a, &list);
	nft_addresses_fini(&list);
	return is_allowed;
}

static void traffic_waits_for_each_target(void **state)
{
	struct egress_answers a = {.limit_ms = LIMIT_MS, .max = 100};
	(void)state;
	assert_true(egress_answers_allow_all(&a));
	WANT(&a, 0, "100.64.0.3", "100.64.0.2", "100.64.0.2", "fd7a::2", "100.64.0.3");
	assert_int_equal(a.count, 3);
	assert_true(egress_answers_due(&a) == UINT64_MAX);
	assert_false(egress_answers_expire(&a, 10 * LIMIT_MS));
	egress_answers_begin(&a, 1000);
	assert_true(egress_answers_due(&a) == 1000 + LIMIT_MS);
	assert_true(answer(&a, "100.64.0.2"));
	assert_false(answer(&a, "100.64.0.2"));
	assert_false(answer(&a, "100.64.0.9"));
	assert_true(allows(&a, "100.64.0.2"));
	assert_false(allows(&a, "100.64.0.3"));
	assert_false(egress_answers_allow_all(&a));
	assert_true(answer(&a, "fd7a::2"));
	assert_true(answer(&a, "100.64.0.3"));
	assert_true(egress_answers_allow_all(&a));
	assert_true(egress_answers_due(&a) == UINT64_MAX);
	egress_answers_fini(&a);
}

static void a_silent_target_is_waited_for_until_the_limit(void **state)
{
	struct egress_answers a = {.limit_ms = LIMIT_MS, .max = 100};
	const struct ipaddr *first;
	(void)state;
	egress_answers_begin(&a, 0);
	WANT(&a, 1000, "100.64.0.2");
	WANT(&a, 3000, "100.64.0.2", "100.64.0.1");
	assert_true(egress_answers_due(&a) == 1000 + LIMIT_MS);
	assert_false(egress_answers_expire(&a, 1000 + LIMIT_MS - 1));
	assert_true(egress_answers_expire(&a, 1000 + LIMIT_MS));
	assert_true(allows(&a, "100.64.0.2"));
	assert_false(allows(&a, "100.64.0.1"));
	assert_true(egress_answers_due(&a) == 3000 + LIMIT_MS);
	assert_int_equal(egress_answers_overdue(&a, &first), 1);
	struct ipaddr silent = tailnet_addr("100.64.0.2");
	assert_true(ipaddr_equal(first, &silent));
	assert_true(answer(&a, "100.64.0.2"));
	assert_int_equal(egress_answers_overdue(&a, &first), 0);
	assert_null(first);
	egress_answers_fini(&a);
}

static void a_restart_of_the_daemon_withdraws_nothing(void **state)
{
	struct egress_answers a = {.limit_ms = LIMIT_MS, .max = 100};
	(void)state;
	egress_answers_begin(&a, 0);
	WANT(&a, 0, "100.64.0.1", "100.64.0.2", "100.64.0.3");
	assert_true(answer(&a, "100.64.0.1"));
	WANT(&a, 2000, "100.64.0.1", "100.64.0.2");
	assert_true(egress_answers_expire(&a, LIMIT_MS));
	WANT(&a, 7000, "100.64.0.1", "100.64.0.2", "100.64.0.3");
	egress_answers_lose(&a);
	/* Known while the node is away: asked when it is back. */
	WANT(&a, 8000, "100.64.0.1", "100.64.0.2", "100.64.0.3", "100.64.0.4");
	assert_true(egress_answers_due(&a) == UINT64_MAX);
	assert_true(allows(&a, "100.64.0.1"));
	assert_true(allows(&a, "100.64.0.2"));
	assert_false(allows(&a, "100.64.0.3"));
	assert_false(allows(&a, "100.64.0.4"));
	egress_answers_begin(&a, 50000);
	assert_true(egress_answers_due(&a) == 50000 + LIMIT_MS);
	assert_true(allows(&a, "100.64.0.1"));
	egress_answers_fini(&a);
}

static void a_target_that_comes_again_is_new(void **state)
{
	struct egress_answers a = {.limit_ms = LIMIT_MS, .max = 100};
	(void)state;
	egress_answers_begin(&a, 0);
	WANT(&a, 0, "100.64.0.1");
	assert_true(answer(&a, "100.64.0.1"));
	WANT(&a, 1, "100.64.0.2");
	assert_true(allows(&a, "100.64.0.1"));
	WANT(&a, 2, "100.64.0.1");
	assert_false(allows(&a, "100.64.0.1"));
	egress_answers_want(&a, NULL, 0, 3);
	assert_true(egress_answers_allow_all(&a));
	egress_answers_fini(&a);
}

/* Who is not asked cannot answer. */
static void only_so_many_are_waited_for(void **state)
{
	struct egress_answers a = {.limit_ms = LIMIT_MS, .max = 2};
	(void)state;
	egress_answers_begin(&a, 0);
	WANT(&a, 0, "100.64.0.3", "100.64.0.1", "100.64.0.2");
	assert_false(allows(&a, "100.64.0.2"));
	assert_true(allows(&a, "100.64.0.3"));
	egress_answers_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(traffic_waits_for_each_target),
		cmocka_unit_test(a_silent_target_is_waited_for_until_the_limit),
		cmocka_unit_test(a_restart_of_the_daemon_withdraws_nothing),
		cmocka_unit_test(a_target_that_comes_again_is_new),
		cmocka_unit_test(only_so_many_are_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
