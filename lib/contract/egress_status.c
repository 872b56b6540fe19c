#include "lib/contract/egress_status.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/field.h"
#include "lib/contract/status_text.h"

static int compare_names(const void *a, const void *b)
{
	const struct egress_status_service *const *left = a;
	const struct egress_status_service *const *right = b;
	return strcmp((*left)->name, (*right)->name);
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
	status_text_ports(out, service->ports, service->port_count);
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

static int read_address(const struct json *doc, const char *key, char **out, struct err *e)
{
	const char *text = "";
	struct ipaddr address;
	if (field_text(doc, key, IPADDR_TEXT_MAX - 1, &text, e) < 0)
		return e->code;
	if (text[0] != '\0' && field_address(text, key, &address, e) < 0)
		return e->code;
	*out = xstrdup(text);
	return 0;
}

/* A proxy lists a target that it does not find, too, and forwards nothing to it then. */
static void mark_absent(const struct json *services, struct egress_config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct egress_service *s = &config->services[i];
		const struct json *member = json_get(services, s->name);
		if (s->fault == NULL && json_len(json_get_fold(member, "tailnetTargetIPs")) == 0)
			s->fault = xstrdup("tailnetTargetIPs: the target has no address");
	}
}

int egress_status_parse(const char *text, size_t len, struct egress_status *out, struct err *e)
{
	AUTO(json_freep) struct json *doc = NULL;
	AUTO(egress_status_fini) struct egress_status status = {0};
	const struct json *services;
	if (field_document(text, len, &doc, e) < 0 ||
		read_address(doc, "podIPv4", &status.pod_ipv4, e) < 0 ||
		read_address(doc, "podIPv6", &status.pod_ipv6, e) < 0 ||
		field_get(doc, "services", JSON_OBJECT, &services, e) < 0 ||
		egress_config_read(services, &status.services, e) < 0)
		return e->code;
	mark_absent(services, &status.services);
	egress_status_fini(out);
	*out = status;
	status = (struct egress_status){0};
	return 0;
}

void egress_status_fini(struct egress_status *s)
{
	free(s->pod_ipv4);
	free(s->pod_ipv6);
	egress_config_fini(&s->services);
	memset(s, 0, sizeof(*s));
}
