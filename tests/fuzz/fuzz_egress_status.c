/*
 * The status of a proxy's egress services, as a controller reads it: a status or a non-empty error.
 * What has no fault is printed and read again as the same; and a document that is printed for a
 * proxy is read as the same services.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/contract/egress_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void require_same(const struct egress_config *a, const struct egress_config *b)
{
	require(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		require(egress_service_equal(&a->services[i], &b->services[i]));
}

/* Drops the services with a fault. */
static void keep_valid(struct egress_config *config)
{
	size_t kept = 0;
	for (size_t i = 0; i < config->count; i++) {
		if (config->services[i].fault != NULL)
			egress_service_fini(&config->services[i]);
		else
			config->services[kept++] = config->services[i];
	}
	config->count = kept;
}

static void check_config(const struct egress_config *config)
{
	AUTO(egress_config_fini) struct egress_config again = {0};
	struct err e;
	AUTO(mem_free) char *text = egress_config_print(config->services, config->count);
	require(egress_config_parse(text, strlen(text), &again, &e) == 0);
	require_same(config, &again);
}

static void check_status(const struct egress_status *status)
{
	AUTO(egress_status_fini) struct egress_status again = {0};
	struct err e;
	AUTO(mem_free)
	struct egress_status_service *list = xcalloc(status->services.count + 1, sizeof(*list));
	const struct ipaddr target = {.family = IPADDR_V4, .bytes = {100, 64, 0, 9}};
	for (size_t i = 0; i < status->services.count; i++) {
		struct egress_service *s = &status->services.services[i];
		/* A status does not have it. */
		s->health_check_endpoint[0] = '\0';
		list[i] = (struct egress_status_service){
			s->name, s->ports, s->port_count, &target, 1, s->target_ip, s->target_fqdn};
	}
	AUTO(mem_free)
	char *text = egress_status_print(
		status->pod_ipv4, status->pod_ipv6, list, status->services.count);
	require(egress_status_parse(text, strlen(text), &again, &e) == 0);
	require(strcmp(again.pod_ipv4, status->pod_ipv4) == 0);
	require(strcmp(again.pod_ipv6, status->pod_ipv6) == 0);
	require_same(&status->services, &again.services);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(egress_status_fini) struct egress_status status = {0};
	struct err e = {0};
	/* A copy of the exact size, so that a read past its end is seen. */
	AUTO(mem_free) char *text = xmalloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(text, data, size);
	int code = egress_status_parse(text, size, &status, &e);
	if (code < 0) {
		require(e.code == code && e.msg[0] != '\0' && status.pod_ipv4 == NULL);
		return 0;
	}
	keep_valid(&status.services);
	check_config(&status.services);
	check_status(&status);
	return 0;
}
