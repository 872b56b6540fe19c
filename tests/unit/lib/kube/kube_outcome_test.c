#include "lib/kube/kube_outcome.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

struct row {
	enum kube_verb verb;
	int code;
	const char *reason;
	enum kube_outcome outcome;
};

static const struct row rows[] = {
	{KUBE_GET, 404, "NotFound", KUBE_NOT_FOUND},
	{KUBE_GET, 404, NULL, KUBE_NOT_FOUND},
	{KUBE_APPLY, 404, "NotFound", KUBE_NOT_FOUND},
	/* There is nothing left to delete. */
	{KUBE_DELETE, 404, "NotFound", KUBE_OK},
	{KUBE_DELETE, 404, NULL, KUBE_OK},
	{KUBE_DELETE_MANY, 404, "NotFound", KUBE_OK},
	{KUBE_DELETE, 0, "NotFound", KUBE_OK},
	/* One code, two meanings. */
	{KUBE_CREATE, 409, "AlreadyExists", KUBE_EXISTS},
	{KUBE_CREATE, 409, NULL, KUBE_EXISTS},
	{KUBE_CREATE, 409, "Conflict", KUBE_CONFLICT},
	{KUBE_UPDATE, 409, "Conflict", KUBE_CONFLICT},
	{KUBE_UPDATE, 409, NULL, KUBE_CONFLICT},
	{KUBE_APPLY, 409, "Conflict", KUBE_CONFLICT},
	{KUBE_DELETE, 409, "Conflict", KUBE_CONFLICT},
	{KUBE_PATCH, 412, NULL, KUBE_CONFLICT},
	{KUBE_LIST, 410, "Expired", KUBE_GONE},
	{KUBE_WATCH, 410, "Gone", KUBE_GONE},
	{KUBE_WATCH, 410, NULL, KUBE_GONE},
	{KUBE_WATCH, 504, "ResourceVersionTooLarge", KUBE_GONE},
	{KUBE_GET, 504, "ResourceVersionTooLarge", KUBE_UNAVAILABLE},
	{KUBE_CREATE, 422, "Invalid", KUBE_INVALID},
	{KUBE_CREATE, 422, NULL, KUBE_INVALID},
	{KUBE_CREATE, 413, "RequestEntityTooLarge", KUBE_TOO_LARGE},
	{KUBE_CREATE, 413, NULL, KUBE_TOO_LARGE},
	{KUBE_LIST, 401, "Unauthorized", KUBE_UNAUTHORIZED},
	{KUBE_LIST, 401, NULL, KUBE_UNAUTHORIZED},
	{KUBE_LIST, 403, "Forbidden", KUBE_FORBIDDEN},
	{KUBE_LIST, 403, NULL, KUBE_FORBIDDEN},
	{KUBE_PATCH, 429, "TooManyRequests", KUBE_TOO_MANY},
	{KUBE_PATCH, 429, NULL, KUBE_TOO_MANY},
	{KUBE_PATCH, 500, "InternalError", KUBE_UNAVAILABLE},
	{KUBE_PATCH, 500, "ServerTimeout", KUBE_UNAVAILABLE},
	{KUBE_PATCH, 504, "Timeout", KUBE_UNAVAILABLE},
	{KUBE_PATCH, 503, "ServiceUnavailable", KUBE_UNAVAILABLE},
	{KUBE_PATCH, 503, NULL, KUBE_UNAVAILABLE},
	{KUBE_PATCH, 408, NULL, KUBE_UNAVAILABLE},
	{KUBE_PATCH, 400, "BadRequest", KUBE_REFUSED},
	{KUBE_PATCH, 405, "MethodNotAllowed", KUBE_REFUSED},
	{KUBE_PATCH, 415, "UnsupportedMediaType", KUBE_REFUSED},
	{KUBE_PATCH, 302, NULL, KUBE_REFUSED},
	/* No answer. */
	{KUBE_PATCH, 0, NULL, KUBE_UNAVAILABLE},
	{KUBE_DELETE, 0, NULL, KUBE_UNAVAILABLE},
	/* The code is a proxy's, the reason the server's. */
	{KUBE_UPDATE, 500, "Conflict", KUBE_CONFLICT},
};

static void each_row_has_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		enum kube_outcome got = kube_outcome_find(row->verb, row->code, row->reason);
		if (got != row->outcome)
			fail_msg("row %zu: %s", i, kube_outcome_name(got));
	}
}

static void a_success_is_one_whatever_its_code(void **state)
{
	static const int codes[] = {200, 201, 202, 204};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct kube_reply reply = {.status = codes[i], .code = codes[i]};
		assert_int_equal(kube_outcome(&reply, NULL), KUBE_OK);
	}
	/* A body that is not the server's. */
	struct kube_reply page = {.status = 200, .code = 200, .verb = KUBE_GET};
	struct err e = {.code = -EAGAIN};
	assert_int_equal(kube_outcome(&page, &e), KUBE_UNAVAILABLE);
	struct kube_reply none = {.verb = KUBE_DELETE};
	assert_int_equal(kube_outcome(&none, &e), KUBE_UNAVAILABLE);
}

static enum kube_outcome of_status(enum kube_verb verb, const char *text)
{
	struct err e;
	AUTO(json_freep) struct json *status = json_parse(text, strlen(text), &e);
	assert_non_null(status);
	return kube_outcome_of_status(verb, status);
}

static void a_status_is_read(void **state)
{
	(void)state;
	assert_int_equal(of_status(KUBE_WATCH, "{\"code\":410,\"reason\":\"Expired\"}"), KUBE_GONE);
	assert_int_equal(
		of_status(KUBE_WATCH, "{\"code\":\"410\",\"reason\":7}"), KUBE_UNAVAILABLE);
	assert_int_equal(
		of_status(KUBE_WATCH, "{\"code\":99999,\"reason\":\"\"}"), KUBE_UNAVAILABLE);
	assert_int_equal(of_status(KUBE_WATCH, "[]"), KUBE_UNAVAILABLE);
	assert_int_equal(of_status(KUBE_WATCH,
				 "{\"code\":504,\"reason\":\"Timeout\",\"details\":{\"causes\":"
				 "[{},{\"reason\":\"ResourceVersionTooLarge\"}]}}"),
		KUBE_GONE);
	assert_int_equal(of_status(KUBE_WATCH, "{\"code\":500,\"details\":{\"causes\":{}}}"),
		KUBE_UNAVAILABLE);
	assert_int_equal(
		of_status(KUBE_APPLY,
			"{\"code\":500,\"message\":\"failed to create typed patch "
			"object (ns/a; apps/v1, Kind=StatefulSet): .spec.x: field not declared "
			"in schema\"}"),
		KUBE_INVALID);
	assert_int_equal(of_status(KUBE_APPLY,
				 "{\"code\":500,\"message\":\"failed to convert new object (ns/a): "
				 "quantities must match\"}"),
		KUBE_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_its_outcome),
		cmocka_unit_test(a_success_is_one_whatever_its_code),
		cmocka_unit_test(a_status_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
