/*
 * Serve config files: a plan or a non-empty error; the document to post is JSON that makes the same
 * plan for any domain. Includes the translated services format.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/serve.h"
#include "lib/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_plan(const struct serve_plan *plan)
{
	struct err e;
	struct json *doc = json_parse(plan->document, strlen(plan->document), &e);
	require(json_type(doc) == JSON_OBJECT);
	json_free(doc);
	for (size_t i = 0; i < plan->cert_domains.len; i++) {
		require(plan->cert_domains.items[i][0] != '\0');
		require(i == 0 ||
			strcmp(plan->cert_domains.items[i - 1], plan->cert_domains.items[i]) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const domains[] = {"web.t.ts.net", "no-https", "a\"b"};
	struct err e = {0};
	struct serve_plan plan = {0};
	struct serve_plan again = {0};
	/* A copy of the exact size, so that a read past its end is seen. */
	char *text = malloc(size > 0 ? size : 1);
	require(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	for (size_t i = 0; i < 3; i++) {
		const struct serve_names names = {domains[i], i == 0 ? "t.ts.net" : ""};
		int code = serve_plan_make(text, size, &names, &plan, &e);
		if (code < 0) {
			require(e.code == code && e.msg[0] != '\0');
			continue;
		}
		check_plan(&plan);
		/* A domain made of the placeholder's parts could fill it a second time. */
		if (strstr(plan.document, "${TS_CERT_DOMAIN}") != NULL)
			continue;
		require(serve_plan_make(plan.document, strlen(plan.document), &names, &again, &e) ==
			0);
		require(strcmp(plan.document, again.document) == 0);
		require(plan.needs_https == again.needs_https);
		require(strv_equal(&plan.cert_domains, &again.cert_domains));
		require(strv_equal(&plan.services, &again.services));
	}
	serve_plan_fini(&plan);
	serve_plan_fini(&again);
	free(text);
	return 0;
}
