/*
 * The status of the egress services, as an operator reads it from the key `egress-services`: which
 * services this Pod forwards, and to where. Operators rely on the order of the members. A proxy
 * prints it, a controller parses it.
 */
#ifndef LIB_CONTRACT_EGRESS_STATUS_H
#define LIB_CONTRACT_EGRESS_STATUS_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/contract/egress_config.h"

/* One service; everything is borrowed. */
struct egress_status_service {
	const char *name;
	const struct egress_port *ports;
	size_t port_count;
	const struct ipaddr *targets;
	size_t target_count;
	const char *target_ip;   /* as configured, "" without one */
	const char *target_fqdn; /* as configured, "" without one */
};

/* Compact JSON; services are sorted by name. Without services the member is null, without targets
 * tailnetTargetIPs is null, without ports it is []; podIPv6 is omitted when "". Caller frees. */
char *egress_status_print(const char *pod_ipv4, const char *pod_ipv6,
	const struct egress_status_service *services, size_t count);

/* What a reader needs of it. */
struct egress_status {
	char *pod_ipv4, *pod_ipv6; /* an address or ""; NULL before it was parsed */
	/* Without endpoints for health checks; one with a fault forwards nothing: its target may
	 * have no address. */
	struct egress_config services;
};

/* An empty text is a status without addresses and services. Replaces *out; unchanged on failure.
 * -EINVAL, -EMSGSIZE as with egress_config_parse. */
int egress_status_parse(
	const char *text, size_t len, struct egress_status *out, struct err *e) MUST_CHECK;
void egress_status_fini(struct egress_status *s);

#endif
