/* Flows that do not follow the rules yet, as the data path reports them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_conditions.h"
#include "lib/base/condition.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/datapath_bench.h"
#include "tests/support/loop_wait.h"

static struct nft_backend *memory;

struct nft_backend *__real_nft_memory_new(struct loop *loop);
struct nft_backend *__wrap_nft_memory_new(struct loop *loop);

/* The firewall is made by the data path itself. */
struct nft_backend *__wrap_nft_memory_new(struct loop *loop)
{
	memory = __real_nft_memory_new(loop);
	return memory;
}

static bool is_pending(void *arg)
{
	const struct datapath_bench *b = arg;
	return condition_is_raised(&b->conditions, CONDITION_FLOWS_PENDING);
}

static bool is_followed(void *arg)
{
	return !is_pending(arg);
}

/* The same sentence again is a new fault, when the one before had ended. */
static void flows_pending_is_a_condition(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	datapath_bench_wait_ready(b, 1);
	for (unsigned int i = 1; i <= 2; i++) {
		nft_memory_fail_flows(memory, -ETIMEDOUT, 1);
		datapath_bench_set_self(b, i == 1 ? "100.64.0.2/32" : "100.64.0.3/32", NULL);
		datapath_update(b->d, &b->self, false);
		datapath_bench_wait_ready(b, 1 + i);
		assert_true(loop_wait(b->loop, is_pending, b, LOOP_WAIT_MS));
		/* Nothing else happens, and it still ends. */
		assert_true(loop_wait(b->loop, is_followed, b, LOOP_WAIT_MS));
		assert_int_equal(
			condition_get(&b->conditions, CONDITION_FLOWS_PENDING)->transitions, 2 * i);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, datapath_bench_open, datapath_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flows_pending_is_a_condition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
