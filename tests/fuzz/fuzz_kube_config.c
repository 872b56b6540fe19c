/*
 * A kubeconfig, from YAML: it is refused with a reason, or gives a place and an access. The same
 * document as what a plug-in says, as a Lease, and as a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_config.h"
#include "lib/kube/kube_exec.h"
#include "lib/kube/kube_lease.h"
#include "lib/yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_config(const struct json *doc)
{
	struct err e = {0};
	struct kube_config config = {0};
	/* No such folder: no file of this machine is read by a relative path. */
	int code = kube_config_load(&config, doc, "/nonexistent", NULL, &e);
	require((code == 0) == (e.msg[0] == '\0'));
	if (code == 0)
		require(config.host != NULL && config.port != NULL && config.access->ns != NULL);
	kube_config_fini(&config);
}

static void check_lease(const struct json *doc)
{
	struct err e;
	struct kube_lease lease;
	struct kube_lease again;
	if (kube_lease_decode(doc, &lease, &e) < 0)
		return;
	AUTO(json_freep) struct json *written = kube_lease_document(&lease, "ns", "n");
	require(kube_lease_decode(written, &again, &e) == 0);
	require(memcmp(&lease, &again, sizeof(lease)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct kube_exec_answer answer;
	time_t at;
	AUTO(json_freep) struct json *doc = yaml_parse((const char *)data, size, &e);
	if (doc == NULL)
		return 0;
	check_config(doc);
	check_lease(doc);
	if (kube_exec_decode(doc, "v1", &answer, &e) == 0)
		require(answer.token != NULL || answer.key_pem != NULL);
	const char *text = json_str(doc);
	if (text != NULL && kube_time_parse(text, &at, &e) == 0)
		require(strlen(text) >= 20);
	return 0;
}
