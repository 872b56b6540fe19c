#include "lib/control/control_outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	int status;
	enum control_outcome create, delete, list, token;
};

/* Answers of the API itself. */
static const struct row rows[] = {
	{200, CONTROL_OK, CONTROL_OK, CONTROL_OK, CONTROL_OK},
	{204, CONTROL_OK, CONTROL_OK, CONTROL_OK, CONTROL_OK},
	{302, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID},
	{400, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID},
	{401, CONTROL_UNAUTHORIZED, CONTROL_UNAUTHORIZED, CONTROL_UNAUTHORIZED,
		CONTROL_UNAUTHORIZED},
	{403, CONTROL_FORBIDDEN, CONTROL_FORBIDDEN, CONTROL_FORBIDDEN, CONTROL_FORBIDDEN},
	{404, CONTROL_NOT_FOUND, CONTROL_OK, CONTROL_NOT_FOUND, CONTROL_NOT_FOUND},
	{405, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED},
	{408, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{409, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{410, CONTROL_NOT_FOUND, CONTROL_OK, CONTROL_NOT_FOUND, CONTROL_NOT_FOUND},
	{412, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{422, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID, CONTROL_INVALID},
	{429, CONTROL_LIMITED, CONTROL_LIMITED, CONTROL_LIMITED, CONTROL_LIMITED},
	{500, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{501, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED, CONTROL_UNSUPPORTED},
	{502, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{503, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{599, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{0, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
	{999, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE, CONTROL_UNAVAILABLE},
};

static void each_status_has_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		int status = r->status;
		assert_int_equal(
			control_outcome_of(CONTROL_DO_CREATE_KEY, status, true, false), r->create);
		assert_int_equal(
			control_outcome_of(CONTROL_DO_DELETE_KEY, status, true, false), r->delete);
		assert_int_equal(control_outcome_of(CONTROL_DO_DELETE_DEVICE, status, true, false),
			r->delete);
		assert_int_equal(
			control_outcome_of(CONTROL_DO_LIST_DEVICES, status, true, false), r->list);
		assert_int_equal(
			control_outcome_of(CONTROL_DO_TOKEN, status, true, false), r->token);
	}
}

/* A page of a proxy or a load balancer is neither a success nor proof that something is gone. */
static void what_is_not_the_api_proves_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_OPERATIONS; i++) {
		enum control_operation op = (enum control_operation)i;
		assert_int_equal(control_outcome_of(op, 200, false, false), CONTROL_UNAVAILABLE);
		assert_int_equal(control_outcome_of(op, 404, false, false), CONTROL_UNAVAILABLE);
		assert_int_equal(control_outcome_of(op, 401, false, false), CONTROL_UNAUTHORIZED);
	}
}

static void a_503_may_ask_for_a_pause(void **state)
{
	(void)state;
	assert_int_equal(
		control_outcome_of(CONTROL_DO_LIST_DEVICES, 503, false, true), CONTROL_LIMITED);
	assert_int_equal(
		control_outcome_of(CONTROL_DO_LIST_DEVICES, 500, false, true), CONTROL_UNAVAILABLE);
}

static void only_a_new_key_is_not_repeated(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_OPERATIONS; i++)
		assert_int_equal(control_operation_is_repeatable((enum control_operation)i),
			i != CONTROL_DO_CREATE_KEY);
}

static void everything_has_a_name(void **state)
{
	(void)state;
	for (int i = CONTROL_OK; i <= CONTROL_UNSUPPORTED; i++)
		assert_non_null(control_outcome_name((enum control_outcome)i));
	for (int i = CONTROL_API_UNKNOWN; i <= CONTROL_API_HEADSCALE_V1; i++)
		assert_non_null(control_api_name((enum control_api)i));
	for (int i = 0; i < CONTROL_OPERATIONS; i++) {
		assert_non_null(control_operation_name((enum control_operation)i));
		assert_non_null(control_operation_text((enum control_operation)i));
	}
	assert_string_equal(control_operation_scope(CONTROL_DO_CREATE_KEY), "auth_keys");
	assert_string_equal(control_operation_scope(CONTROL_DO_DELETE_DEVICE), "devices:core");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_its_outcome),
		cmocka_unit_test(what_is_not_the_api_proves_nothing),
		cmocka_unit_test(a_503_may_ask_for_a_pause),
		cmocka_unit_test(only_a_new_key_is_not_repeated),
		cmocka_unit_test(everything_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
