/*
 * The egress services: watches the directory an operator mounts, follows their targets in the
 * tailnet, says what the firewall shall do for them, and publishes what stands.
 *
 * What is missing or empty means no services; a broken document, and a service at fault in it,
 * changes nothing of what stood. A target that cannot be found or reached concerns its service
 * alone: it is listed without addresses, and taken up when it appears.
 *
 *	s = egress_services_new(loop, store, conditions, &options, changed, arg);  reads at once
 *	changed -> egress_services_wants, egress_services_contribute, nft_apply
 *	result -> egress_services_applied
 *
 * One contribution at a time: the next is asked for after egress_services_applied told the result
 * of the last one. Only what the kernel holds is published.
 */
#ifndef EGRESS_SERVICES_H
#define EGRESS_SERVICES_H

#include <stdint.h>

#include "egress/resolve.h"

struct condition_set;
struct loop;
struct nft_result;
struct statestore;
struct egress_services;

struct egress_services_options {
	const char *directory;           /* TS_EGRESS_PROXIES_CONFIG_PATH */
	const char *pod_ipv4, *pod_ipv6; /* "" without one */
	uint32_t debounce_ms;            /* 100 */
};

/* What it wants of the firewall or of the peers has changed. Comes from the loop. */
typedef void (*egress_changed_fn)(void *arg);

/* loop, store and conditions are borrowed, options are copied. */
struct egress_services *egress_services_new(struct loop *loop, struct statestore *store,
	struct condition_set *conditions, const struct egress_services_options *options,
	egress_changed_fn fn, void *arg);
void egress_services_free(struct egress_services *s);

/* Adds the names and routed addresses that peers have to be asked for. */
void egress_services_wants(const struct egress_services *s, const struct records *records,
	struct strv *names, struct nft_addresses *routes);
/* Adds the port maps to w, whose own addresses and families are set already. */
void egress_services_contribute(
	struct egress_services *s, const struct egress_netmap *netmap, struct nft_wanted *w);
void egress_services_applied(
	struct egress_services *s, const struct nft_result *result, const struct err *e);

#endif
