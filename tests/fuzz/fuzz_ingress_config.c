/*
 * Documents `ingress-config.json`: a config or a non-empty error; mappings are complete and of one
 * family; and their printed status is JSON from which the same configs are read again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/ingress_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_mapping(const struct ingress_mapping *m, enum ipaddr_family family)
{
	require(!m->is_set || (m->vip.family == family && m->cluster_ip.family == family));
	require(!m->is_set || (m->vip.zone[0] == '\0' && m->cluster_ip.zone[0] == '\0'));
}

static void check_status(const struct ingress_config *config)
{
	AUTO(mem_free)
	const struct ingress_service **list =
		xcalloc(config->count + 1, sizeof(const struct ingress_service *));
	size_t count = 0;
	struct err e;
	for (size_t i = 0; i < config->count; i++) {
		if (config->services[i].fault == NULL)
			list[count++] = &config->services[i];
	}
	AUTO(mem_free) char *status = ingress_status_print("10.0.0.1", "fd00::1", list, count);
	AUTO(json_freep) struct json *doc = json_parse(status, strlen(status), &e);
	require(json_type(doc) == JSON_OBJECT);
	require((json_get(doc, "configs") != NULL) == (count > 0));
	if (count == 0)
		return;
	AUTO(mem_free) char *configs = json_print(json_get(doc, "configs"));
	struct ingress_config again = {0};
	require(ingress_config_parse(configs, strlen(configs), &again, &e) == 0);
	require(again.count == count);
	for (size_t i = 0; i < count; i++) {
		const struct ingress_service *read = ingress_config_find(&again, list[i]->name);
		require(read != NULL && ingress_service_equal(read, list[i]));
	}
	ingress_config_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct ingress_config config = {0};
	/* A copy of the exact size, so that a read past its end is seen. */
	AUTO(mem_free) char *text = xmalloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(text, data, size);
	int code = ingress_config_parse(text, size, &config, &e);
	if (code < 0) {
		require(e.code == code && e.msg[0] != '\0' && config.count == 0);
		return 0;
	}
	for (size_t i = 0; i < config.count; i++) {
		const struct ingress_service *s = &config.services[i];
		require(i == 0 || strcmp(s[-1].name, s->name) < 0);
		require(ingress_config_find(&config, s->name) == s);
		check_mapping(&s->v4, IPADDR_V4);
		check_mapping(&s->v6, IPADDR_V6);
	}
	check_status(&config);
	ingress_config_fini(&config);
	return 0;
}
