#include "lib/contract/egress_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/contract/status_text.h"

static int compare_names(const void *a, const void *b)
{
	const struct egress_status_service *const *left = a;
	const struct egress_status_service *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

static void add_ports(struct buf *out, const struct egress_status_service *service)
{
	status_text_add(out, "[");
	for (size_t i = 0; i < service->port_count; i++) {
		const struct egress_port *port = &service->ports[i];
		char numbers[64];
		snprintf(numbers, sizeof(numbers), ",\"matchPort\":%u,\"targetPort\":%u}",
			port->match, port->target);
		status_text_add(out, i > 0 ? ",{\"protocol\":" : "{\"protocol\":");
		status_text_quote(out, port->protocol);
		status_text_add(out, numbers);
	}
	status_text_add(out, "]");
}

static void add_targets(struct buf *out, const struct egress_status_service *service)
{
	if (service->target_count == 0) {
		status_text_add(out, "null");
		return;
	}
	for (size_t i = 0; i < service->target_count; i++) {
		status_text_add(out, i > 0 ? "," : "[");
		status_text_address(out, &service->targets[i]);
	}
	status_text_add(out, "]");
}

static void add_service(struct buf *out, const struct egress_status_service *service)
{
	status_text_quote(out, service->name);
	status_text_add(out, ":{\"ports\":");
	add_ports(out, service);
	status_text_add(out, ",\"tailnetTargetIPs\":");
	add_targets(out, service);
	status_text_add(out, ",\"tailnetTarget\":{\"ip\":");
	status_text_quote(out, service->target_ip);
	status_text_add(out, ",\"fqdn\":");
	status_text_quote(out, service->target_fqdn);
	status_text_add(out, "}}");
}

static void add_services(
	struct buf *out, const struct egress_status_service *services, size_t count)
{
	if (count == 0) {
		status_text_add(out, "null");
		return;
	}
	AUTO(mem_free)
	const struct egress_status_service **sorted =
		xcalloc(count, sizeof(const struct egress_status_service *));
	for (size_t i = 0; i < count; i++)
		sorted[i] = &services[i];
	qsort(sorted, count, sizeof(const struct egress_status_service *), compare_names);
	for (size_t i = 0; i < count; i++) {
		status_text_add(out, i > 0 ? "," : "{");
		add_service(out, sorted[i]);
	}
	status_text_add(out, "}");
}

char *egress_status_print(const char *pod_ipv4, const char *pod_ipv6,
	const struct egress_status_service *services, size_t count)
{
	struct buf out = STATUS_TEXT_INIT;
	status_text_add(&out, "{\"podIPv4\":");
	status_text_quote(&out, pod_ipv4);
	if (pod_ipv6[0] != '\0') {
		status_text_add(&out, ",\"podIPv6\":");
		status_text_quote(&out, pod_ipv6);
	}
	status_text_add(&out, ",\"services\":");
	add_services(&out, services, count);
	status_text_add(&out, "}");
	return buf_take(&out);
}
