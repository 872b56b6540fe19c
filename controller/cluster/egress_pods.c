#include "controller/cluster/egress_pods.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_status.h"

static const char *first_ip(const struct strv *ips, bool is_ipv6)
{
	for (size_t i = 0; i < ips->len; i++) {
		if ((strchr(ips->items[i], ':') != NULL) == is_ipv6)
			return ips->items[i];
	}
	return "";
}

/* The number at the end of "<group>-<number>"; false for another pod. */
static bool read_ordinal(const char *name, const char *group, int64_t *out)
{
	size_t len = strlen(group);
	uint64_t number = 0;
	struct err e;
	if (strncmp(name, group, len) != 0 || name[len] != '-' ||
		str_to_u64(name + len + 1, INT32_MAX, &number, &e) < 0)
		return false;
	*out = (int64_t)number;
	return true;
}

static const struct egress_status *status_of(const struct cluster *c, const struct kube_entry *pod)
{
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(c, CLUSTER_SECRETS), pod->ns, pod->name);
	const struct object_secret *state = entry != NULL ? entry->data : NULL;
	if (state == NULL || strcasecmp(state->pod_uid, pod->uid) != 0)
		return NULL;
	return &state->egress;
}

static int compare_pods(const void *a, const void *b)
{
	const struct egress_pod *left = a;
	const struct egress_pod *right = b;
	return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

void egress_pods_gather(const struct cluster *c, const char *group, struct egress_pods *out)
{
	AUTO(mem_free) char *parent = xasprintf("proxygroup//%s", group);
	const struct kube_cache *pods = cluster_cache(c, CLUSTER_PODS);
	const struct kube_entry *entry;
	size_t cap = 0;
	*out = (struct egress_pods){0};
	for (size_t i = 0; (entry = kube_cache_indexed(pods, CLUSTER_BY_PARENT, parent, i)) != NULL;
		i++) {
		const struct object_pod *pod = entry->data;
		struct egress_pod item = {
			.entry = entry,
			.ipv4 = first_ip(&pod->ips, false),
			.ipv6 = first_ip(&pod->ips, true),
			.is_terminating = object_is_deleting(&pod->meta),
			.has_gate = pod->has_gate,
			.status = status_of(c, entry),
		};
		if (!read_ordinal(entry->name, group, &item.ordinal))
			continue;
		out->items = xgrow(out->items, out->count, &cap, 4, sizeof(*out->items));
		out->items[out->count++] = item;
	}
	if (out->count > 0)
		qsort(out->items, out->count, sizeof(*out->items), compare_pods);
}

void egress_pods_fini(struct egress_pods *pods)
{
	free(pods->items);
	*pods = (struct egress_pods){0};
}

static bool same_ports(const struct egress_service *a, const struct egress_service *b)
{
	if (a->port_count != b->port_count)
		return false;
	/* Both are sorted, without duplicates. */
	for (size_t i = 0; i < a->port_count; i++) {
		if (a->ports[i].proto != b->ports[i].proto ||
			a->ports[i].match != b->ports[i].match ||
			a->ports[i].target != b->ports[i].target)
			return false;
	}
	return true;
}

unsigned int egress_confirm(const struct egress_pod *pod, const struct egress_service *entry)
{
	if (pod->is_terminating || pod->status == NULL)
		return 0;
	const struct egress_service *has = egress_config_find(&pod->status->services, entry->name);
	if (has == NULL || has->fault != NULL || strcmp(has->target_ip, entry->target_ip) != 0 ||
		strcmp(has->target_fqdn, entry->target_fqdn) != 0 || !same_ports(has, entry))
		return 0;
	unsigned int families = 0;
	if (pod->ipv4[0] != '\0' && strcmp(pod->status->pod_ipv4, pod->ipv4) == 0)
		families |= EGRESS_BY_IPV4;
	if (pod->ipv6[0] != '\0' && strcmp(pod->status->pod_ipv6, pod->ipv6) == 0)
		families |= EGRESS_BY_IPV6;
	return families;
}

bool egress_deny(const struct egress_pod *pod, const struct egress_service *entry)
{
	if (pod->is_terminating || pod->status == NULL)
		return false;
	const struct egress_service *has = egress_config_find(&pod->status->services, entry->name);
	return has != NULL && has->fault != NULL && strcmp(has->target_ip, entry->target_ip) == 0 &&
	       strcmp(has->target_fqdn, entry->target_fqdn) == 0;
}
