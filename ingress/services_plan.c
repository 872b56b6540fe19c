#include "ingress/services_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_model.h"

void ingress_share_fini(struct ingress_share *share)
{
	ingress_config_fini(&share->config);
	strv_fini(&share->refused);
	free(share->first_unserved);
	memset(share, 0, sizeof(*share));
}

/* Has room for count services; adding to it keeps the order. */
static struct ingress_config make_config(size_t room)
{
	return (struct ingress_config){
		.services = xcalloc(room + 1, sizeof(struct ingress_service))};
}

void ingress_plan_merge(const struct ingress_config *before, const struct ingress_config *document,
	struct ingress_config *out)
{
	struct ingress_config made = make_config(document->count);
	for (size_t i = 0; i < document->count; i++) {
		const struct ingress_service *service = &document->services[i];
		if (service->fault != NULL)
			service = ingress_config_find(before, service->name);
		if (service != NULL)
			ingress_service_copy(&made.services[made.count++], service);
	}
	*out = made;
}

bool ingress_plan_equal(const struct ingress_config *a, const struct ingress_config *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!ingress_service_equal(&a->services[i], &b->services[i]))
			return false;
	}
	return true;
}

void ingress_plan_faults(const struct ingress_config *document, struct strv *out)
{
	for (size_t i = 0; i < document->count; i++) {
		const struct ingress_service *service = &document->services[i];
		if (service->fault != NULL)
			strv_pushf(out, "%s: %s", service->name, service->fault);
	}
	strv_sort(out);
}

static void add_mapping(struct ingress_share *share, struct nft_wanted *w,
	const struct ingress_service *service, struct ingress_mapping *mapping)
{
	struct err e;
	const struct nft_pair pair = {service->name, mapping->vip, mapping->cluster_ip};
	if (!mapping->is_set || nft_wanted_add_pair(w, &pair, &e) == 0)
		return;
	mapping->is_set = false;
	if (e.code != -EAFNOSUPPORT) {
		strv_pushf(&share->refused, "%s: %s", service->name, e.msg);
		return;
	}
	if (share->unserved++ == 0) {
		share->first_unserved = xstrdup(service->name);
		share->why_unserved = e;
	}
}

static bool has_mapping(const struct ingress_service *service)
{
	return service->v4.is_set || service->v6.is_set;
}

void ingress_plan_contribute(
	const struct ingress_config *config, struct nft_wanted *w, struct ingress_share *out)
{
	*out = (struct ingress_share){.config = make_config(config->count)};
	for (size_t i = 0; i < config->count; i++) {
		struct ingress_service *service = &out->config.services[out->config.count];
		bool has_work = has_mapping(&config->services[i]);
		ingress_service_copy(service, &config->services[i]);
		add_mapping(out, w, service, &service->v4);
		add_mapping(out, w, service, &service->v6);
		if (has_work && !has_mapping(service))
			ingress_service_fini(service);
		else
			out->config.count++;
	}
	strv_sort(&out->refused);
}

static bool unset_mapping(struct ingress_mapping *mapping, const struct ipaddr *vip)
{
	if (!mapping->is_set || !ipaddr_equal(&mapping->vip, vip))
		return false;
	mapping->is_set = false;
	return true;
}

/* A conflict of another feature has another name, or is not about an address. */
static void drop_lost(struct ingress_share *share, const struct nft_conflict *conflict, bool *lost)
{
	const struct ingress_service *found =
		ingress_config_find(&share->config, conflict->service);
	struct ipaddr vip;
	struct err unused;
	if (found == NULL || ipaddr_parse(conflict->what, &vip, &unused) < 0)
		return;
	size_t at = (size_t)(found - share->config.services);
	struct ingress_service *service = &share->config.services[at];
	if (!unset_mapping(&service->v4, &vip) && !unset_mapping(&service->v6, &vip))
		return;
	lost[at] = true;
	strv_pushf(&share->refused, "%s: %s belongs to %s", conflict->service, conflict->what,
		conflict->winner);
}

void ingress_plan_drop_lost(
	struct ingress_share *share, const struct nft_conflict *conflicts, size_t count)
{
	struct ingress_config *config = &share->config;
	AUTO(mem_free) bool *lost = xcalloc(config->count + 1, sizeof(*lost));
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		drop_lost(share, &conflicts[i], lost);
	for (size_t i = 0; i < config->count; i++) {
		if (lost[i] && !has_mapping(&config->services[i]))
			ingress_service_fini(&config->services[i]);
		else
			config->services[kept++] = config->services[i];
	}
	config->count = kept;
	strv_sort(&share->refused);
}
