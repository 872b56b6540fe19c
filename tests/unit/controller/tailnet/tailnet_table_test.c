#include "controller/tailnet/tailnet_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define INTERVAL 300000

struct outcome_row {
	enum control_outcome outcome;
	bool is_ready;
	int64_t age_ms;
	enum tailnet_situation situation;
};

static const struct outcome_row outcomes[] = {
	{CONTROL_OK, false, INT64_MAX, TAILNET_FINE},
	{CONTROL_UNAUTHORIZED, true, 0, TAILNET_UNAUTHORIZED},
	{CONTROL_FORBIDDEN, true, 0, TAILNET_FORBIDDEN},
	{CONTROL_INVALID, true, 0, TAILNET_REFUSED},
	{CONTROL_NOT_FOUND, true, 0, TAILNET_REFUSED},
	{CONTROL_UNSUPPORTED, true, 0, TAILNET_UNSUPPORTED},
	/* No answer: ready for three intervals. */
	{CONTROL_UNAVAILABLE, true, 0, TAILNET_UNCHANGED},
	{CONTROL_UNAVAILABLE, true, 3 * INTERVAL - 1, TAILNET_UNCHANGED},
	{CONTROL_UNAVAILABLE, true, 3 * INTERVAL, TAILNET_UNAVAILABLE},
	{CONTROL_UNAVAILABLE, true, INT64_MAX, TAILNET_UNAVAILABLE},
	{CONTROL_UNAVAILABLE, false, 0, TAILNET_UNAVAILABLE},
	{CONTROL_LIMITED, true, 1000, TAILNET_UNCHANGED},
	{CONTROL_LIMITED, true, 3 * INTERVAL, TAILNET_UNAVAILABLE},
};

static void each_outcome_has_a_situation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		const struct outcome_row *row = &outcomes[i];
		const struct tailnet_result result = {.outcome = row->outcome};
		assert_int_equal(
			tailnet_situation_of(&result, row->is_ready, row->age_ms, INTERVAL),
			row->situation);
	}
}

static const char *const cells[TAILNET_SITUATIONS] = {
	[TAILNET_NEW] = "Unknown Pending, Unknown Pending, Unknown Pending",
	[TAILNET_UNCHANGED] = "-, -, -",
	[TAILNET_SECRET_ABSENT] = "False SecretNotFound, Unknown Pending, False SecretNotFound",
	[TAILNET_SECRET_REFUSED] = "False SecretForbidden, Unknown Pending, False SecretForbidden",
	[TAILNET_FAULTY] = "False InvalidConfiguration, Unknown Pending, "
			   "False InvalidConfiguration",
	[TAILNET_UNAUTHORIZED] = "False AuthenticationFailed, Unknown Pending, "
				 "False AuthenticationFailed",
	[TAILNET_FORBIDDEN] = "True Ready, False InsufficientPermissions, "
			      "False InsufficientPermissions",
	[TAILNET_REFUSED] = "True Ready, False InvalidConfiguration, False InvalidConfiguration",
	[TAILNET_UNSUPPORTED] = "-, False Unsupported, False Unsupported",
	[TAILNET_UNAVAILABLE] = "-, -, Unknown APIError",
	[TAILNET_FINE] = "True Ready, True Ready, True Ready",
};

static void print(const struct tailnet_cell *cell, const char *after, char *out, size_t size)
{
	size_t len = strlen(out);
	if (cell->status == NULL)
		snprintf(out + len, size - len, "-%s", after);
	else
		snprintf(out + len, size - len, "%s %s%s", cell->status, cell->reason, after);
}

static void each_situation_has_its_conditions(void **state)
{
	(void)state;
	for (int i = 0; i < TAILNET_SITUATIONS; i++) {
		const struct tailnet_row *row = tailnet_row((enum tailnet_situation)i);
		char text[256] = "";
		print(&row->authenticated, ", ", text, sizeof(text));
		print(&row->validated, ", ", text, sizeof(text));
		print(&row->ready, "", text, sizeof(text));
		assert_string_equal(text, cells[i]);
	}
}

struct pause_row {
	enum control_outcome outcome;
	uint64_t retry_after_ms;
	uint32_t failures;
	uint64_t least, most;
};

static const struct pause_row pauses[] = {
	{CONTROL_OK, 0, 0, 270000, 330000},
	{CONTROL_UNAUTHORIZED, 0, 0, 300000, 330000},
	{CONTROL_FORBIDDEN, 0, 0, 300000, 330000},
	{CONTROL_INVALID, 0, 0, 300000, 330000},
	{CONTROL_NOT_FOUND, 0, 0, 300000, 330000},
	{CONTROL_UNSUPPORTED, 0, 0, 300000, 330000},
	{CONTROL_LIMITED, 7000, 0, 7000, 7700},
	{CONTROL_LIMITED, 0, 0, 125, 1000},
	{CONTROL_UNAVAILABLE, 0, 0, 125, 1000},
	{CONTROL_UNAVAILABLE, 0, 1, 250, 2000},
	{CONTROL_UNAVAILABLE, 0, 8, 32000, 256000},
	{CONTROL_UNAVAILABLE, 0, 9, 37500, 300000},
	{CONTROL_UNAVAILABLE, 0, UINT32_MAX, 37500, 300000},
};

static void each_outcome_has_a_pause(void **state)
{
	const struct tailnet_periods periods = TAILNET_PERIODS;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		const struct pause_row *row = &pauses[i];
		const struct tailnet_result result = {
			.outcome = row->outcome, .retry_after_ms = row->retry_after_ms};
		assert_int_equal(
			tailnet_pause(&result, &periods, INTERVAL, row->failures, 0), row->least);
		assert_int_equal(tailnet_pause(&result, &periods, INTERVAL, row->failures,
					 TAILNET_RANDOM_MAX),
			row->most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_a_situation),
		cmocka_unit_test(each_situation_has_its_conditions),
		cmocka_unit_test(each_outcome_has_a_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
