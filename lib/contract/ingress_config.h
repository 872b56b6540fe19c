/*
 * The document `ingress-config.json`: which address of a Tailscale Service leads to which cluster
 * address, as an operator mounts it, and the status of the same name. Pure.
 *
 * A fault affects only its own service, as in lib/contract/egress_config.h.
 */
#ifndef LIB_CONTRACT_INGRESS_CONFIG_H
#define LIB_CONTRACT_INGRESS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

#define INGRESS_SERVICES_MAX 10000
#define INGRESS_NAME_MAX 253

struct ingress_mapping {
	bool is_set;
	struct ipaddr vip;        /* TailscaleServiceIP */
	struct ipaddr cluster_ip; /* ClusterIP, of the same family */
};

struct ingress_service {
	char *name; /* "svc:web" */
	struct ingress_mapping v4;
	struct ingress_mapping v6;
	char *fault; /* NULL, or what is wrong, naming the field */
};

struct ingress_config {
	struct ingress_service *services; /* sorted by name, bytewise; names are unique */
	size_t count;
};

/* An empty text is a document without services. Replaces *out; unchanged on failure. */
int ingress_config_parse(
	const char *text, size_t len, struct ingress_config *out, struct err *e) MUST_CHECK;
void ingress_config_fini(struct ingress_config *c);
const struct ingress_service *ingress_config_find(const struct ingress_config *c, const char *name);
bool ingress_service_equal(const struct ingress_service *a, const struct ingress_service *b);
void ingress_service_copy(struct ingress_service *to, const struct ingress_service *from);
void ingress_service_fini(struct ingress_service *s);

/* The status: {"configs":{…},"podIPv4":"…","podIPv6":"…"}, each member omitted when empty; the
 * services are members of configs. Caller frees. */
char *ingress_status_print(const char *pod_ipv4, const char *pod_ipv6,
	const struct ingress_service *const *services, size_t count);

#endif
