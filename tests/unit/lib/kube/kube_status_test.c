#include "lib/kube/kube_status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

struct row {
	int status;
	const char *text;
	int errno_code; /* negative, 0 = success */
	int code;
	const char *sentence; /* NULL = none */
};

static const struct row rows[] = {
	{200, "{}", 0, 200, NULL},
	{201, "{\"status\":{}}", 0, 201, NULL},
	{200, "null", 0, 200, NULL},
	{200, "", -EAGAIN, 200, "answer 200 is no JSON: "},
	{200, "<html>welcome</html>", -EAGAIN, 200, "answer 200 is no JSON: "},
	{202, "{}", 0, 202, NULL},
	{202, "", -EAGAIN, 202, "answer 202 is no JSON: "},
	{204, "", 0, 204, NULL},
	{302, "<a href>", -EPROTO, 302, "302: \"<a href>\""},
	{400, "{\"kind\":\"Status\",\"message\":\"bad\",\"code\":400}", -EPROTO, 400, "400: bad"},
	{401, "{\"message\":\"Unauthorized\",\"code\":401}", -EACCES, 401, "401: Unauthorized"},
	{403, "{\"message\":\"secrets is forbidden\",\"code\":403}", -EACCES, 403,
		"403: secrets is forbidden"},
	{404, "{\"message\":\"not found\",\"code\":404}", -ENOENT, 404, "404: not found"},
	{408, "", -EAGAIN, 408, "408: \"\""},
	{409, "{\"message\":\"conflict\"}", -ESTALE, 409, "409: conflict"},
	{410, "{\"code\":410}", -ESTALE, 410, "410: \"{\"code\":410}\""},
	{422, "{\"message\":\"invalid\"}", -EINVAL, 422, "422: invalid"},
	{429, "too many", -EAGAIN, 429, "429: \"too many\""},
	{500, "", -EAGAIN, 500, "500: \"\""},
	{500, "{\"message\":\"etcdserver: request is too large\",\"code\":500}", -EMSGSIZE, 500,
		"500: etcdserver: request is too large"},
	{500,
		"{\"message\":\"rpc error: code = ResourceExhausted desc = trying to send message "
		"larger than max (2097252 vs. 2097152)\"}",
		-EMSGSIZE, 500, "larger than max"},
	{400, "{\"message\":\"request is too large\"}", -EPROTO, 400, "too large"},
	{500, "etcdserver: request is too large", -EAGAIN, 500, "too large"},
	{503, "upstream\r\nSet-Cookie: x", -EAGAIN, 503, "503: \"upstream\""},
	{599, "{\"message\":\"odd\"}", -EAGAIN, 599, "599: odd"},
	/* A proxy rewrote the status; the body has the real one. */
	{500, "{\"message\":\"gone\",\"code\":404}", -ENOENT, 404, "404: gone"},
	{502, "{\"message\":\"m\",\"code\":200}", -EAGAIN, 502, "502: m"},
	{502, "{\"message\":\"m\",\"code\":\"404\"}", -EAGAIN, 502, "502: m"},
	{502, "{\"message\":\"m\",\"code\":40400}", -EAGAIN, 502, "502: m"},
	{502, "{\"message\":7,\"code\":null}", -EAGAIN, 502, "502: \"{"},
	{502, "[]", -EAGAIN, 502, "502: \"[]\""},
	{502, "{\"message\":\"cut", -EAGAIN, 502, "502: \"{"},
	{502, "\xff\xfe\x01", -EAGAIN, 502, "502: \"\""},
};

static void every_answer_has_a_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct err e = {0};
		AUTO(json_freep) struct json *body = NULL;
		int code = 0;
		int result = kube_status_classify(
			row->status, row->text, strlen(row->text), &body, &code, &e);
		assert_int_equal(result, row->errno_code);
		assert_int_equal(code, row->code);
		if (row->sentence == NULL) {
			assert_true(body != NULL || row->status == 204);
			continue;
		}
		assert_int_equal(e.code, row->errno_code);
		assert_non_null(strstr(e.msg, row->sentence));
	}
}

static void a_long_page_is_shown_in_part(void **state)
{
	char page[5000];
	struct err e = {0};
	AUTO(json_freep) struct json *body = NULL;
	int code = 0;
	(void)state;
	memset(page, 'x', sizeof(page));
	assert_int_equal(kube_status_classify(500, page, sizeof(page), &body, &code, &e), -EAGAIN);
	assert_int_equal(strlen(e.msg), strlen("500: \"\"") + 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_a_meaning),
		cmocka_unit_test(a_long_page_is_shown_in_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
