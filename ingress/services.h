/*
 * The ingress services: watches the document that an operator mounts, contributes their mappings
 * to the firewall (from the address of a Tailscale Service to an address in the cluster), and
 * publishes those in force.
 *
 * A file that is missing or empty means no services. A broken document changes nothing (condition
 * IngressConfigInvalid), and a faulty service in it keeps its last good configuration
 * (IngressServiceFailed); the reason is logged once. Of two services with one address, the first by
 * name gets it. A mapping of a family that the firewall does not serve is left out, without
 * affecting the rest of the service.
 *
 *	s = ingress_services_new(loop, store, conditions, &options, changed, arg);  reads at once
 *	changed -> ingress_services_contribute, nft_apply
 *	result -> ingress_services_applied
 *
 * Each contribution is followed by exactly one ingress_services_applied; one that never reached
 * the firewall gets -ECANCELED. The status lists what is in force after the last success, and is
 * not written before there is anything to report.
 */
#ifndef INGRESS_SERVICES_H
#define INGRESS_SERVICES_H

#include <stdint.h>

struct condition_set;
struct err;
struct ingress_services;
struct loop;
struct nft_result;
struct nft_wanted;
struct statestore;

struct ingress_services_options {
	const char *path;                /* TS_INGRESS_PROXIES_CONFIG_PATH */
	const char *pod_ipv4, *pod_ipv6; /* "" without one */
	uint32_t debounce_ms;            /* 100 */
};

/* Its contribution to the firewall has changed. Called from the loop. */
typedef void (*ingress_changed_fn)(void *arg);

/* loop, store and conditions are borrowed, options are copied. */
struct ingress_services *ingress_services_new(struct loop *loop, struct statestore *store,
	struct condition_set *conditions, const struct ingress_services_options *options,
	ingress_changed_fn fn, void *arg);
void ingress_services_free(struct ingress_services *s);

/* Adds the address pairs to w, whose families are set already. */
void ingress_services_contribute(struct ingress_services *s, struct nft_wanted *w);
void ingress_services_applied(
	struct ingress_services *s, const struct nft_result *result, const struct err *e);

#endif
