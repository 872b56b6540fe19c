#include "ingress/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

/* A history: each row goes on with the counter of the row before. */
static const struct {
	enum certs_outcome outcome;
	uint64_t retry_after_ms;
	uint64_t next_ms;
	uint32_t failures;
} rows[] = {
	{CERTS_ISSUED, 0, DAY_MS, 0},
	{CERTS_NOT_REACHED, 0, MINUTE_MS, 0},
	{CERTS_FAILED, 0, MINUTE_MS, 1},
	{CERTS_NOT_REACHED, 0, MINUTE_MS, 1},
	{CERTS_FAILED, 0, 10 * MINUTE_MS, 2},
	{CERTS_RATE_LIMITED, 5000, 5000, 3},
	{CERTS_FAILED, 0, DAY_MS, 4},
	{CERTS_ISSUED, 7, DAY_MS, 0},
	{CERTS_FAILED, 0, MINUTE_MS, 1},
	{CERTS_FAILED, 0, 10 * MINUTE_MS, 2},
	{CERTS_FAILED, 0, 100 * MINUTE_MS, 3},
	{CERTS_FAILED, 0, DAY_MS, 4},
	{CERTS_FAILED, 0, DAY_MS, 5},
};

static void the_next_try_depends_on_what_happened(void **state)
{
	uint32_t failures = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t next =
			certs_next_try_ms(rows[i].outcome, rows[i].retry_after_ms, &failures);
		assert_true(next == rows[i].next_ms);
		assert_int_equal(failures, rows[i].failures);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_try_depends_on_what_happened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
