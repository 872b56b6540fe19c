#include "boot/datapath/datapath.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/support/datapath_bench.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

static void name_services(struct datapath_bench *b, int number)
{
	AUTO(mem_free)
	char *text = xasprintf("{\"gone\":{\"tailnetTarget\":{\"fqdn\":\"gone%d.tail.ts.net\"},"
			       "\"ports\":[]},\"web\":{\"tailnetTarget\":{\"ip\":\"100.64.0.7\"},"
			       "\"ports\":[]}}",
		number);
	tempdir_write(b->dir, "proxies/egress-services", text);
}

static void restless_wants_hold_nothing_up(void **state)
{
	struct datapath_bench *b = *state;
	name_services(b, 0);
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	datapath_bench_make(b, setting, true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	/* Other names more often than the peers could be reported. */
	uint32_t step_ms = times_get(true)->netmap_wait_ms / 5;
	for (int i = 1; i <= 15 && b->writes == 0; i++) {
		name_services(b, i);
		loop_wait_count(b->loop, &b->writes, 1, step_ms);
	}
	assert_int_equal(b->writes, 1);
	assert_non_null(strstr(b->written, "100.64.0.7"));
}

static void changes_without_a_pause_are_combined(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_TAILNET_TARGET_FQDN=db.tail.ts.net", true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	uint64_t begin_ms = clock_now_ms();
	int changes = 0;
	while (clock_now_ms() - begin_ms < 400) {
		AUTO(mem_free) char *address = xasprintf("100.64.0.%d/32", 9 + changes++ % 2);
		datapath_bench_report_peer(b, "db.tail.ts.net.", address);
		datapath_update(b->d, &b->self, true);
		loop_wait_idle(b->loop, 1);
	}
	assert_true(loop_wait_idle(b->loop, 100));
	uint64_t spent_ms = clock_now_ms() - begin_ms;
	size_t applied = log_capture_count_id(&b->log, "datapath.applied");
	/* Some at once, then one for each pause. */
	size_t most = 9 + spent_ms / times_get(true)->debounce_ms;
	assert_in_range(applied, 9, most);
	/* On a machine so slow that there were pauses, each may be applied. */
	assert_true(applied < (size_t)changes || (size_t)changes <= most);
	/* The last one is applied. */
	const char *reported = "";
	for (size_t i = 0; i < b->log.ids.len; i++) {
		if (strcmp(b->log.ids.items[i], "egress.installing") == 0)
			reported = b->log.texts.items[i];
	}
	assert_non_null(strstr(reported, changes % 2 == 1 ? "100.64.0.9" : "100.64.0.10"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, datapath_bench_open, datapath_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(restless_wants_hold_nothing_up),
		TEST(changes_without_a_pause_are_combined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
