#include "lib/kube/kube_op.h"

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
#include "lib/kube/kube_outcome.h"
#include "tests/support/api_bench.h"

static const struct kube_resource services = {"", "v1", "services", "Service", true};

#define WEB                                  \
	{                                    \
		&services, "ns", "web", NULL \
	}
#define ALL                                 \
	{                                   \
		&services, "ns", NULL, NULL \
	}

struct row {
	struct kube_op op; /* the body is given apart */
	const char *body;
	const char *head; /* beginning of the request */
	const char *type; /* of what is sent */
	const char *sent; /* what is sent */
};

static const struct row rows[] = {
	{{.verb = KUBE_GET, .target = WEB}, NULL, "GET /api/v1/namespaces/ns/services/web HTTP",
		KUBE_TYPE_JSON, ""},
	{{.verb = KUBE_CREATE, .target = ALL, .field_manager = "me"}, "{\"a\":1}",
		"POST /api/v1/namespaces/ns/services?fieldManager=me HTTP", KUBE_TYPE_JSON,
		"{\"a\":1}"},
	{{.verb = KUBE_UPDATE, .target = WEB}, "{\"metadata\":{\"resourceVersion\":\"5\"}}",
		"PUT /api/v1/namespaces/ns/services/web HTTP", KUBE_TYPE_JSON,
		"{\"metadata\":{\"resourceVersion\":\"5\"}}"},
	{{.verb = KUBE_PATCH, .target = WEB, .patch = KUBE_PATCH_MERGE, .is_forced = true}, "{}",
		"PATCH /api/v1/namespaces/ns/services/web HTTP", "application/merge-patch+json",
		"{}"},
	{{.verb = KUBE_PATCH, .target = WEB, .patch = KUBE_PATCH_JSON}, "[]",
		"PATCH /api/v1/namespaces/ns/services/web HTTP", "application/json-patch+json",
		"[]"},
	{{.verb = KUBE_PATCH,
		 .target = {&services, "ns", "web", "status"},
		 .patch = KUBE_PATCH_STRATEGIC},
		"{}", "PATCH /api/v1/namespaces/ns/services/web/status HTTP",
		"application/strategic-merge-patch+json", "{}"},
	{{.verb = KUBE_APPLY,
		 .target = WEB,
		 .field_manager = "a b",
		 .is_forced = true,
		 .is_dry_run = true},
		"{}",
		"PATCH /api/v1/namespaces/ns/services/"
		"web?fieldManager=a%20b&force=true&dryRun=All HTTP",
		"application/apply-patch+yaml", "{}"},
	{{.verb = KUBE_DELETE, .target = WEB, .uid = "u1", .propagation = "Foreground"}, NULL,
		"DELETE /api/v1/namespaces/ns/services/web HTTP", KUBE_TYPE_JSON,
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":"
		"\"u1\"},\"propagationPolicy\":\"Foreground\"}"},
	{{.verb = KUBE_DELETE, .target = WEB, .uid = "u1", .resource_version = "9"}, NULL,
		"DELETE /api/v1/namespaces/ns/services/web HTTP", KUBE_TYPE_JSON,
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":"
		"\"u1\",\"resourceVersion\":\"9\"}}"},
	{{.verb = KUBE_DELETE_MANY, .target = ALL, .label_selector = "a=b"}, NULL,
		"DELETE /api/v1/namespaces/ns/services?labelSelector=a%3Db HTTP", KUBE_TYPE_JSON,
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}"},
};

static void requests_are_as_the_api_wants_them(void **state)
{
	struct api_bench *b = *state;
	api_open_at(b, "127.0.0.1", b->front.port);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct err e;
		struct kube_op op = row->op;
		AUTO(json_freep) struct json *body = NULL;
		if (row->body != NULL)
			body = json_parse(row->body, strlen(row->body), &e);
		op.body = body;
		assert_non_null(kube_op_start(b->kube, &op, api_on_reply, b, &e));
		api_wait_calls(b, (unsigned int)i + 1);
		assert_string_equal(b->err.msg, "");
		const char *request = api_request(b, i);
		AUTO(mem_free) char *type = xasprintf("\r\nContent-Type: %s\r\n", row->type);
		assert_true(strncmp(request, row->head, strlen(row->head)) == 0);
		assert_non_null(strstr(request, type));
		assert_string_equal(strstr(request, "\r\n\r\n") + 4, row->sent);
	}
}

static const struct row incomplete[] = {
	{{.verb = KUBE_GET, .target = ALL}, NULL, "GET of Service : no name", NULL, NULL},
	{{.verb = KUBE_CREATE, .target = WEB}, "{}",
		"POST of Service web: no request without a name", NULL, NULL},
	{{.verb = KUBE_CREATE, .target = {&services, NULL, NULL, NULL}}, "{}",
		"POST of Service : no namespace", NULL, NULL},
	{{.verb = KUBE_CREATE, .target = ALL}, NULL, "POST of Service : no body", NULL, NULL},
	{{.verb = KUBE_UPDATE, .target = WEB}, "{\"metadata\":{\"resourceVersion\":\"\"}}",
		"PUT of Service web: no resourceVersion", NULL, NULL},
	{{.verb = KUBE_APPLY, .target = WEB}, "{}", "PATCH of Service web: no field manager", NULL,
		NULL},
	{{.verb = KUBE_DELETE, .target = WEB}, NULL, "DELETE of Service web: no uid", NULL, NULL},
	{{.verb = KUBE_DELETE, .target = WEB, .uid = ""}, NULL, "DELETE of Service web: no uid",
		NULL, NULL},
	{{.verb = KUBE_DELETE_MANY, .target = ALL, .label_selector = ""}, NULL,
		"DELETE of Service : no label selector", NULL, NULL},
	{{.verb = KUBE_DELETE_MANY, .target = {&services, NULL, NULL, NULL}, .label_selector = "a"},
		NULL, "DELETE of Service : no namespace", NULL, NULL},
	{{.verb = KUBE_GET, .target = {&services, "ns", "..", NULL}}, NULL,
		"name \"..\" cannot be a part of a path", NULL, NULL},
};

static void what_is_incomplete_is_not_sent(void **state)
{
	struct api_bench *b = *state;
	api_open_at(b, "127.0.0.1", b->front.port);
	for (size_t i = 0; i < ARRAY_LEN(incomplete); i++) {
		const struct row *row = &incomplete[i];
		struct err e = {0};
		struct kube_op op = row->op;
		AUTO(json_freep) struct json *body = NULL;
		if (row->body != NULL)
			body = json_parse(row->body, strlen(row->body), &e);
		op.body = body;
		assert_null(kube_op_start(b->kube, &op, api_on_reply, b, &e));
		assert_int_equal(e.code, -EINVAL);
		assert_string_equal(e.msg, row->head);
	}
	assert_int_equal(kube_request_count(b->kube), 0);
}

static enum kube_outcome last_outcome;

static void keep_outcome(void *arg, const struct kube_reply *reply, const struct err *err)
{
	last_outcome = kube_outcome(reply, err);
	api_on_reply(arg, reply, err);
}

static void an_answer_has_an_outcome(void **state)
{
	static const struct {
		enum kube_verb verb;
		const char *status, *body;
		enum kube_outcome outcome;
	} answers[] = {
		{KUBE_DELETE, "202 Accepted", "{}", KUBE_OK},
		{KUBE_DELETE, "204 No Content", "", KUBE_OK},
		{KUBE_DELETE, "404 Not Found", "{\"code\":404,\"reason\":\"NotFound\"}", KUBE_OK},
		{KUBE_GET, "404 Not Found", "{\"code\":404,\"reason\":\"NotFound\"}",
			KUBE_NOT_FOUND},
		{KUBE_DELETE, "409 Conflict", "{\"code\":409,\"reason\":\"Conflict\"}",
			KUBE_CONFLICT},
		{KUBE_GET, "502 Bad Gateway", "<html>", KUBE_UNAVAILABLE},
		{KUBE_GET, "200 OK", "<html>", KUBE_UNAVAILABLE},
	};
	struct api_bench *b = *state;
	api_open_at(b, "127.0.0.1", b->front.port);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct kube_op op = {.verb = answers[i].verb, .target = WEB, .uid = "u"};
		struct err e;
		raw_server_answer(b->server, answers[i].status, answers[i].body);
		assert_non_null(kube_op_start(b->kube, &op, keep_outcome, b, &e));
		api_wait_calls(b, (unsigned int)i + 1);
		assert_int_equal(last_outcome, answers[i].outcome);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_open, api_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(requests_are_as_the_api_wants_them),
		TEST(what_is_incomplete_is_not_sent),
		TEST(an_answer_has_an_outcome),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
