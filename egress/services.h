/*
 * The egress services: watches the directory that an operator mounts, tracks their targets in the
 * tailnet, contributes their rules to the firewall, and publishes those in force.
 *
 * A missing or empty file means no services; a broken document, or a faulty service in it, changes
 * nothing. A target that cannot be found or reached affects only its own service, which is listed
 * without addresses until the target appears.
 *
 *	s = egress_services_new(loop, store, conditions, &options, changed, arg);  reads at once
 *	changed -> egress_services_wants, egress_services_contribute, nft_apply
 *	result -> egress_services_applied
 *
 * One contribution at a time: the next one is requested after egress_services_applied has received
 * the result of the last. Only what the kernel holds is published, and a service whose target has
 * not answered through the tunnel yet is not.
 */
#ifndef EGRESS_SERVICES_H
#define EGRESS_SERVICES_H

#include <stdint.h>

#include "egress/resolve.h"

struct condition_set;
struct egress_answers;
struct loop;
struct nft_result;
struct statestore;
struct egress_services;

struct egress_services_options {
	const char *directory;           /* TS_EGRESS_PROXIES_CONFIG_PATH */
	const char *pod_ipv4, *pod_ipv6; /* "" without one */
	uint32_t debounce_ms;            /* 100 */
	/* Borrowed: a service is published when its targets have answered; NULL: at once. */
	const struct egress_answers *answers;
};

/* Its contribution to the firewall, or the peers it needs, have changed. Called from the loop. */
typedef void (*egress_changed_fn)(void *arg);

/* loop, store and conditions are borrowed, options are copied. */
struct egress_services *egress_services_new(struct loop *loop, struct statestore *store,
	struct condition_set *conditions, const struct egress_services_options *options,
	egress_changed_fn fn, void *arg);
void egress_services_free(struct egress_services *s);

/* Adds the names and routed addresses to request from the peers. */
void egress_services_wants(const struct egress_services *s, const struct records *records,
	struct strv *names, struct nft_addresses *routes);
/* Adds the port maps to w, whose own addresses and families are set already. */
void egress_services_contribute(
	struct egress_services *s, const struct egress_netmap *netmap, struct nft_wanted *w);
void egress_services_applied(
	struct egress_services *s, const struct nft_result *result, const struct err *e);
/* Targets have answered, or are not waited for any longer. */
void egress_services_answered(struct egress_services *s);

#endif
