#include "boot/datapath/datapath_features.h"

#include <errno.h>

#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "egress/egress_conditions.h"
#include "egress/services.h"
#include "egress/target.h"
#include "ingress/dest_name.h"
#include "ingress/ingress_conditions.h"
#include "ingress/services.h"
#include "ingress/target.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"

static void start_egress(struct datapath_features *f, const struct datapath_partners *with,
	struct statestore *store, void (*fn)(void *arg), void *arg)
{
	const struct settings *s = with->settings;
	if (s->egress_proxies_config_path[0] != '\0') {
		struct egress_services_options options = {s->egress_proxies_config_path,
			s->pod_ipv4, s->pod_ipv6, with->times->services_debounce_ms,
			f->answers_ref};
		f->egress_services =
			egress_services_new(with->loop, store, with->conditions, &options, fn, arg);
	}
	if (s->tailnet_target_ip[0] != '\0' || s->tailnet_target_fqdn[0] != '\0') {
		struct egress_target_options options = {
			s->tailnet_target_ip, s->tailnet_target_fqdn};
		f->egress_target = egress_target_new(with->conditions, &options);
	}
}

static void start_ingress(struct datapath_features *f, const struct datapath_partners *with,
	struct statestore *store, void (*fn)(void *arg), void *arg)
{
	const struct settings *s = with->settings;
	const struct times *t = with->times;
	if (s->ingress_proxies_config_path[0] != '\0') {
		struct ingress_services_options options = {s->ingress_proxies_config_path,
			s->pod_ipv4, s->pod_ipv6, t->services_debounce_ms};
		f->ingress_services = ingress_services_new(
			with->loop, store, with->conditions, &options, fn, arg);
	}
	if (s->dest_ip[0] != '\0' || s->proxy_cluster_traffic_via_ingress) {
		struct ingress_target_options options = {s->dest_ip, s->pod_ip,
			s->proxy_cluster_traffic_via_ingress, s->pod_ipv4, s->pod_ipv6};
		f->ingress_target = ingress_target_new(&options);
	}
	if (s->dest_dns_name[0] != '\0') {
		struct dest_name_options options = {s->dest_dns_name, t->dest_retry_base_ms,
			t->dest_retry_max_ms, t->dest_refresh_max_ms};
		f->dest_name = dest_name_new(
			with->loop, with->resolver, with->conditions, &options, fn, arg);
	}
}

void datapath_features_start(struct datapath_features *f, const struct datapath_partners *with,
	struct statestore *store, void (*fn)(void *arg), void *arg)
{
	f->conditions_ref = with->conditions;
	start_egress(f, with, store, fn, arg);
	start_ingress(f, with, store, fn, arg);
}

bool datapath_features_has_single(const struct datapath_features *f)
{
	return f->egress_target != NULL || f->ingress_target != NULL || f->dest_name != NULL;
}

void datapath_features_free(struct datapath_features *f)
{
	egress_services_free(STEAL(f->egress_services));
	egress_target_free(STEAL(f->egress_target));
	ingress_services_free(STEAL(f->ingress_services));
	ingress_target_free(STEAL(f->ingress_target));
	dest_name_free(STEAL(f->dest_name));
}

void datapath_features_wants(const struct datapath_features *f, const struct records *records,
	struct strv *names, struct nft_addresses *routes)
{
	if (f->egress_services != NULL)
		egress_services_wants(f->egress_services, records, names, routes);
	if (f->egress_target != NULL)
		egress_target_wants(f->egress_target, records, names, routes);
}

void datapath_features_go(struct datapath_features *f)
{
	if (f->dest_name != NULL)
		dest_name_start(f->dest_name);
}

/* A target that is not known yet is a condition of its feature; an impossible one is ours. */
static void classify_share(struct datapath_features *f, const struct condition_kind *kind, int code,
	const struct err *why, enum datapath_share *share, struct err *e)
{
	if (code == 0)
		condition_clear(f->conditions_ref, kind);
	if (code == -EAGAIN && *share == DATAPATH_SHARE_WHOLE)
		*share = DATAPATH_SHARE_WAITING;
	if (code == 0 || code == -EAGAIN)
		return;
	condition_raise(f->conditions_ref, kind, "%s", why->msg);
	*share = DATAPATH_SHARE_IMPOSSIBLE;
	*e = *why;
}

enum datapath_share datapath_features_contribute(struct datapath_features *f,
	const struct egress_netmap *netmap, struct nft_wanted *w, struct err *e)
{
	enum datapath_share share = DATAPATH_SHARE_WHOLE;
	struct err why;
	int code;
	if (f->egress_target != NULL) {
		code = egress_target_contribute(f->egress_target, netmap, w, &why);
		classify_share(f, CONDITION_EGRESS_TARGET_UNKNOWN, code, &why, &share, e);
	}
	if (f->ingress_target != NULL) {
		code = ingress_target_contribute(f->ingress_target, w, &why);
		classify_share(f, CONDITION_INGRESS_TARGET_FAILED, code, &why, &share, e);
	}
	if (f->dest_name != NULL) {
		code = dest_name_contribute(f->dest_name, w, &why);
		classify_share(f, CONDITION_INGRESS_TARGET_FAILED, code, &why, &share, e);
	}
	if (f->egress_services != NULL)
		egress_services_contribute(f->egress_services, netmap, w);
	if (f->ingress_services != NULL)
		ingress_services_contribute(f->ingress_services, w);
	return share;
}

void datapath_features_applied(
	struct datapath_features *f, const struct nft_result *result, const struct err *e)
{
	if (f->egress_target != NULL)
		egress_target_applied(f->egress_target, result, e);
	if (f->ingress_target != NULL)
		ingress_target_applied(f->ingress_target, result, e);
	if (f->dest_name != NULL)
		dest_name_applied(f->dest_name, result, e);
	if (f->egress_services != NULL)
		egress_services_applied(f->egress_services, result, e);
	if (f->ingress_services != NULL)
		ingress_services_applied(f->ingress_services, result, e);
}

void datapath_features_answered(struct datapath_features *f)
{
	if (f->egress_services != NULL)
		egress_services_answered(f->egress_services);
}
