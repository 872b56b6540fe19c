#include "lib/kube/kube_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_watch_query.h"
#include "tests/support/fake_clock.h"

static const struct kube_resource services = {"", "v1", "services", "Service", true};
static const struct kube_resource nodes = {"", "v1", "nodes", "Node", false};
static const struct kube_resource leases = {"coordination.k8s.io", "v1", "leases", "Lease", true};

struct row {
	struct kube_target target;
	const char *path; /* or the error */
};

static const struct row rows[] = {
	{{&services, NULL, NULL, NULL}, "/api/v1/services"},
	{{&services, "a", NULL, NULL}, "/api/v1/namespaces/a/services"},
	{{&services, "a", "b", NULL}, "/api/v1/namespaces/a/services/b"},
	{{&services, "a", "b", "status"}, "/api/v1/namespaces/a/services/b/status"},
	{{&nodes, NULL, "n1", NULL}, "/api/v1/nodes/n1"},
	/* A namespace that the kind does not have. */
	{{&nodes, "a", "n1", NULL}, "/api/v1/nodes/n1"},
	{{&leases, "a", "b", NULL}, "/apis/coordination.k8s.io/v1/namespaces/a/leases/b"},
	{{&services, "a/../b", "?x=1#y%2f", NULL},
		"/api/v1/namespaces/a%2F..%2Fb/services/%3Fx%3D1%23y%252f"},
	{{&services, "a", "system:node \xc3\xa4\n", NULL},
		"/api/v1/namespaces/a/services/system%3Anode%20%C3%A4%0A"},
};

static const struct row refused[] = {
	{{&services, NULL, "b", NULL}, "Service b without a namespace"},
	{{&services, "", "b", NULL}, "namespace \"\" cannot be a part of a path"},
	{{&services, "a", "", NULL}, "name \"\" cannot be a part of a path"},
	{{&services, "a", ".", NULL}, "name \".\" cannot be a part of a path"},
	{{&services, "..", "a", NULL}, "namespace \"..\" cannot be a part of a path"},
	{{&services, "a", "b", "."}, "subresource \".\" cannot be a part of a path"},
	{{&services, "a", NULL, "status"}, "status of no Service"},
};

static void each_part_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(KUBE_PATH_MAX);
		struct err e;
		assert_int_equal(kube_path_append(&out, &rows[i].target, &e), 0);
		assert_string_equal(buf_cstr(&out), rows[i].path);
	}
}

static void what_is_no_part_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(KUBE_PATH_MAX);
		struct err e = {0};
		assert_int_equal(kube_path_append(&out, &refused[i].target, &e), -EINVAL);
		assert_string_equal(e.msg, refused[i].path);
	}
}

static void a_query_is_escaped(void **state)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(64);
	struct err e = {0};
	(void)state;
	assert_int_equal(buf_append_str(&out, "/x", &e), 0);
	assert_int_equal(kube_path_query(&out, "a", NULL, &e), 0);
	assert_int_equal(kube_path_query(&out, "a", "b=c,d&e", &e), 0);
	assert_int_equal(kube_path_query(&out, "f", "", &e), 0);
	assert_string_equal(buf_cstr(&out), "/x?a=b%3Dc%2Cd%26e&f=");
	assert_int_equal(
		kube_path_query(&out, "too", "long for what is left of the buffer", &e), -EMSGSIZE);
}

static void a_watch_says_what_it_needs(void **state)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(KUBE_PATH_MAX);
	AUTO(buf_fini) struct buf list = BUF_INIT(KUBE_PATH_MAX);
	struct err e;
	struct kube_selection selection = {
		.target = {&services, "a", NULL, NULL},
		.label_selector = "x in (a,b)",
		.field_selector = "metadata.name=n",
	};
	(void)state;
	fake_clock_install(1);
	assert_int_equal(kube_watch_query(&out, &selection, "77", &e), 0);
	assert_string_equal(buf_cstr(&out),
		"/api/v1/namespaces/a/services?labelSelector=x%20in%20%28a%2Cb%29&fieldSelector="
		"metadata.name%3Dn&watch=1&allowWatchBookmarks=true&timeoutSeconds=580&"
		"resourceVersion=77");
	selection.label_selector = selection.field_selector = NULL;
	assert_int_equal(kube_watch_query(&list, &selection, NULL, &e), 0);
	assert_string_equal(buf_cstr(&list),
		"/api/v1/namespaces/a/services?watch=1&allowWatchBookmarks=true&timeoutSeconds=580&"
		"sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	fake_clock_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_is_escaped),
		cmocka_unit_test(what_is_no_part_is_refused),
		cmocka_unit_test(a_query_is_escaped),
		cmocka_unit_test(a_watch_says_what_it_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
