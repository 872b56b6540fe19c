/*
 * The status of the ingress services; the other half of lib/contract/ingress_config.h.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/contract/ingress_config.h"
#include "lib/contract/status_text.h"

static int compare_names(const void *a, const void *b)
{
	const struct ingress_service *const *left = a;
	const struct ingress_service *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

/* A member of an object that begins with "{" at start. */
static void add_key(struct buf *out, size_t start, const char *key)
{
	if (out->len > start + 1)
		status_text_add(out, ",");
	status_text_quote(out, key);
	status_text_add(out, ":");
}

static void add_mapping(
	struct buf *out, size_t start, const char *key, const struct ingress_mapping *mapping)
{
	if (!mapping->is_set)
		return;
	add_key(out, start, key);
	status_text_add(out, "{\"TailscaleServiceIP\":");
	status_text_address(out, &mapping->vip);
	status_text_add(out, ",\"ClusterIP\":");
	status_text_address(out, &mapping->cluster_ip);
	status_text_add(out, "}");
}

static void add_service(struct buf *out, const struct ingress_service *service)
{
	size_t start = out->len;
	status_text_add(out, "{");
	add_mapping(out, start, "IPv4Mapping", &service->v4);
	add_mapping(out, start, "IPv6Mapping", &service->v6);
	status_text_add(out, "}");
}

static void add_services(
	struct buf *out, const struct ingress_service *const *services, size_t count)
{
	AUTO(mem_free)
	const struct ingress_service **sorted =
		xcalloc(count, sizeof(const struct ingress_service *));
	memcpy(sorted, services, count * sizeof(const struct ingress_service *));
	qsort(sorted, count, sizeof(const struct ingress_service *), compare_names);
	size_t start = out->len;
	status_text_add(out, "{");
	for (size_t i = 0; i < count; i++) {
		add_key(out, start, sorted[i]->name);
		add_service(out, sorted[i]);
	}
	status_text_add(out, "}");
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	add_key(out, 0, key);
	status_text_quote(out, text);
}

char *ingress_status_print(const char *pod_ipv4, const char *pod_ipv6,
	const struct ingress_service *const *services, size_t count)
{
	struct buf out = STATUS_TEXT_INIT;
	status_text_add(&out, "{");
	if (count > 0) {
		add_key(&out, 0, "configs");
		add_services(&out, services, count);
	}
	add_text(&out, "podIPv4", pod_ipv4);
	add_text(&out, "podIPv6", pod_ipv6);
	status_text_add(&out, "}");
	return buf_take(&out);
}
