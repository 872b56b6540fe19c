/* The StatefulSet of a group as a whole: golden/NAME.json. */
#include "controller/proxygroup/group_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/group_bench.h"

#define GOLDEN_MAX (64 * 1024)

static struct json *read_golden(const char *name)
{
	struct err e;
	AUTO(mem_free) char *path = xasprintf(GOLDEN_DIR "/%s.json", name);
	AUTO(mem_free) char *text = xcalloc(1, GOLDEN_MAX);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		fail_msg("there is no %s", path);
	size_t len = fread(text, 1, GOLDEN_MAX - 1, f);
	fclose(f);
	struct json *golden = json_parse(text, len, &e);
	if (golden == NULL)
		fail_msg("%s: %s", path, e.msg);
	return golden;
}

static void expect_golden(const struct group_bench *b, const char *name)
{
	AUTO(json_freep)
	struct json *set = json_dup(group_bench_get(b, CLUSTER_STATEFUL_SETS, GROUP_BENCH_NAME));
	AUTO(json_freep) struct json *golden = read_golden(name);
	AUTO(json_freep)
	struct json *annotations = json_dup(json_path(set, "metadata", "annotations", NULL));
	AUTO(json_freep) struct json *metadata = json_dup(json_get(set, "metadata"));
	/* Hashes and what the server gives. */
	json_remove(annotations, "gateway.tailscale.com/applied-hash");
	json_remove(annotations, "gateway.tailscale.com/made-from");
	json_set(metadata, "annotations", STEAL(annotations));
	json_remove(metadata, "resourceVersion");
	json_remove(metadata, "generation");
	json_remove(metadata, "uid");
	json_set(set, "metadata", STEAL(metadata));
	AUTO(mem_free) char *text = json_print(set);
	if (json_equal(set, golden))
		return;
	/* Longer than what cmocka prints. */
	fprintf(stderr, "%s\n", text);
	fail_msg("the StatefulSet is not as in golden/%s.json", name);
}

static void a_group_of_defaults(void **state)
{
	struct group_bench b;
	(void)state;
	group_bench_open(&b, 2);
	group_bench_finish(&b);
	expect_golden(&b, "plain");
	group_bench_close(&b);
}

static void a_group_with_all_fields(void **state)
{
	struct group_bench b;
	(void)state;
	group_bench_open(&b, 5);
	group_bench_patch(
		&b, CLUSTER_TAILNETS, "default", "{\"spec\":{\"caSecretName\":\"authority\"}}");
	group_bench_patch(&b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME,
		"{\"spec\":{\"hostnamePrefix\":\"out\",\"template\":{"
		"\"labels\":{\"team\":\"a\"},\"annotations\":{\"note\":\"b\",\"empty\":\"\"},"
		"\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":"
		"{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"k\",\"operator\":"
		"\"Exists\"}],\"matchFields\":[]}]}},\"podAffinity\":null},"
		"\"nodeSelector\":{\"disk\":\"ssd\"},"
		"\"tolerations\":[{\"key\":\"t\",\"operator\":\"Exists\",\"effect\":\"\"}],"
		"\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\","
		"\"whenUnsatisfiable\":\"ScheduleAnyway\",\"labelSelector\":{\"matchLabels\":{}}}],"
		"\"priorityClassName\":\"high\",\"imagePullSecrets\":[{\"name\":\"pull\"}],"
		"\"securityProfile\":\"NetAdmin\",\"container\":{\"image\":\"example/proxy:2\","
		"\"imagePullPolicy\":\"Always\",\"resources\":{\"limits\":{"
		"\"tailboot.example/tun\":\"1\"},\"requests\":{}},\"env\":["
		"{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"\"},"
		"{\"name\":\"A\",\"value\":\"2\"}]}}}}");
	group_bench_finish(&b);
	expect_golden(&b, "full");
	group_bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_of_defaults),
		cmocka_unit_test(a_group_with_all_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
