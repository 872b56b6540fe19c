#include "controller/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void series_are_printed_sorted(void **state)
{
	struct err e;
	AUTO(buf_fini) struct buf out = BUF_INIT(1 << 20);
	struct metrics *m = metrics_new();
	(void)state;
	metrics_add(m, METRIC_RECONCILES, 1, "kind=\"%s\",result=\"%s\"", "Service", "done");
	metrics_add(m, METRIC_RECONCILES, 2, "kind=\"%s\",result=\"%s\"", "Service", "done");
	metrics_add(m, METRIC_RECONCILES, 5, "kind=\"%s\",result=\"%s\"", "A", "done");
	metrics_set(m, METRIC_LEADER, 1, "%s", "");
	metrics_set(m, METRIC_LEADER, 0, "%s", "");
	assert_int_equal(metrics_print(m, &out, &e), 0);
	assert_string_equal(buf_cstr(&out),
		"# HELP tailboot_controller_reconcile_total Objects handled, by kind and result.\n"
		"# TYPE tailboot_controller_reconcile_total counter\n"
		"tailboot_controller_reconcile_total{kind=\"A\",result=\"done\"} 5\n"
		"tailboot_controller_reconcile_total{kind=\"Service\",result=\"done\"} 3\n"
		"# HELP tailboot_controller_leader 1 while this process holds the Lease.\n"
		"# TYPE tailboot_controller_leader gauge\n"
		"tailboot_controller_leader 0\n");
	metrics_free(m);
}

static void further_series_are_counted_in_one(void **state)
{
	struct err e;
	AUTO(buf_fini) struct buf out = BUF_INIT(8 << 20);
	struct metrics *m = metrics_new();
	(void)state;
	for (size_t i = 0; i < METRICS_SERIES_MAX + 7; i++)
		metrics_add(m, METRIC_CONTROL_REQUESTS, 1, "tailnet=\"%zu\"", i);
	assert_int_equal(metrics_print(m, &out, &e), 0);
	assert_non_null(strstr(buf_cstr(&out), "\ntailboot_controller_series_lost_total 7\n"));
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_are_printed_sorted),
		cmocka_unit_test(further_series_are_counted_in_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
