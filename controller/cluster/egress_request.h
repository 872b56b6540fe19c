/*
 * What a Service of a user asks of an egress group, and what is wrong with it. Pure.
 *
 *	if (egress_request_is_one(service))
 *		egress_request_read(entry, suffix, &request);
 *	if (request.faults.len > 0) …
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_REQUEST_H
#define CONTROLLER_CLUSTER_EGRESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/objects.h"
#include "lib/base/str.h"

#define EGRESS_PORTS_OF_SERVICE 99 /* a slice has at most 100, one is the health check's */
#define EGRESS_HEALTH_PORT 9002    /* of a replica */
#define EGRESS_HEALTH_NAME "tailscale-health-check"
#define EGRESS_UNNAMED "tailscale-unnamed"

struct kube_entry;

/* Borrows from the entry. */
struct egress_request {
	const char *ns, *name;
	const char *group; /* as the annotation has it */
	const struct object_service *service;
	char *key;   /* in documents: "<ns>-<name>" */
	char *child; /* the Service in the controller's namespace that leads to the replicas */
	char *fqdn;  /* in lower case, without a final dot; "" without one */
	char *ip;    /* "" without one */
	struct strv faults; /* sentences, each names its field and what to do */
};

/* An ExternalName Service that names a group. */
bool egress_request_is_one(const struct object_service *service);
/* suffix: of the names in the group's tailnet, "" when unknown. out is overwritten. */
void egress_request_read(
	const struct kube_entry *entry, const char *suffix, struct egress_request *out);
void egress_request_fini(struct egress_request *request);

/* The older one first. For qsort. */
int egress_request_compare(const void *a, const void *b);

/* Name of the child of a Service; the caller frees. */
char *egress_request_child(const char *ns, const char *name);
/* The port at which the child is asked for its health: one that the user does not have. */
uint16_t egress_request_health_port(const struct object_service *service);

#endif
