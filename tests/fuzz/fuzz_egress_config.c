/*
 * Documents `egress-services` and `hep-pings`: a config or a non-empty error; the services are
 * sorted, their ports are sets; and their printed status is JSON from which the same services are
 * read again.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/contract/egress_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_service(const struct egress_config *config, const struct egress_service *s)
{
	require(egress_config_find(config, s->name) == s);
	if (s->fault != NULL) {
		require(s->fault[0] != '\0');
		return;
	}
	require(s->target_ip[0] != '\0' || s->target_fqdn[0] != '\0');
	require((s->ip.family != IPADDR_NONE) == (s->target_ip[0] != '\0'));
	require(s->ip.zone[0] == '\0');
	for (size_t i = 0; i < s->port_count; i++) {
		const struct egress_port *p = &s->ports[i];
		require(p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP);
		require(p->match != 0 && p->target != 0 && strlen(p->protocol) == 3);
		require(i == 0 || p[-1].proto < p->proto ||
			(p[-1].proto == p->proto && p[-1].match < p->match));
	}
}

/* The status has no endpoint for health checks. */
static void check_same(const struct egress_service *s, const struct egress_service *read)
{
	struct egress_service copy;
	require(read != NULL);
	egress_service_copy(&copy, s);
	require(egress_service_equal(&copy, s));
	copy.health_check_endpoint[0] = '\0';
	require(egress_service_equal(&copy, read));
	egress_service_fini(&copy);
}

static void check_status(const struct egress_config *config)
{
	AUTO(mem_free)
	struct egress_status_service *list = xcalloc(config->count + 1, sizeof(*list));
	size_t count = 0;
	struct err e;
	for (size_t i = 0; i < config->count; i++) {
		const struct egress_service *s = &config->services[i];
		if (s->fault == NULL)
			list[count++] = (struct egress_status_service){s->name, s->ports,
				s->port_count, &s->ip, s->ip.family != IPADDR_NONE, s->target_ip,
				s->target_fqdn};
	}
	AUTO(mem_free) char *status = egress_status_print("10.0.0.1", "", list, count);
	AUTO(json_freep) struct json *doc = json_parse(status, strlen(status), &e);
	require(json_type(doc) == JSON_OBJECT);
	AUTO(mem_free) char *services = json_print(json_get(doc, "services"));
	struct egress_config again = {0};
	require(egress_config_parse(services, strlen(services), &again, &e) == 0);
	require(again.count == count);
	for (size_t i = 0; i < config->count; i++) {
		const struct egress_service *s = &config->services[i];
		if (s->fault == NULL)
			check_same(s, egress_config_find(&again, s->name));
	}
	egress_config_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct egress_config config = {0};
	uint32_t pings = 0;
	/* A copy of the exact size, so that a read past its end is seen. */
	AUTO(mem_free) char *text = xmalloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(text, data, size);
	int code = egress_pings_parse(text, size, &pings, &e);
	require(code == 0 ? pings <= EGRESS_PINGS_MAX : e.code == code && e.msg[0] != '\0');
	e = (struct err){0};
	code = egress_config_parse(text, size, &config, &e);
	if (code < 0) {
		require(e.code == code && e.msg[0] != '\0' && config.count == 0);
		return 0;
	}
	for (size_t i = 0; i < config.count; i++) {
		require(i == 0 || strcmp(config.services[i - 1].name, config.services[i].name) < 0);
		check_service(&config, &config.services[i]);
	}
	check_status(&config);
	egress_config_fini(&config);
	return 0;
}
