/*
 * The domain of a tailnet from the names of its devices: what most of them have behind the first
 * dot, since a device that is shared from elsewhere has another one. Pure. (private)
 *
 *	struct tailnet_domains d = {0};
 *	for each device:  tailnet_domains_add(&d, name, id);
 *	tailnet_domains_best(&d)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_DOMAIN_H
#define CONTROLLER_TAILNET_TAILNET_DOMAIN_H

#include <stddef.h>

#include "controller/tailnet/tailnet_result.h"

#define TAILNET_DOMAINS 16 /* different ones; those seen later do not count */

struct tailnet_domains {
	struct tailnet_domain_count {
		char domain[TAILNET_DOMAIN_MAX];
		size_t devices;
		char first_id[64]; /* the least id of its devices */
	} items[TAILNET_DOMAINS];
	size_t len;
};

/* A name without a dot says nothing. */
void tailnet_domains_add(struct tailnet_domains *d, const char *name, const char *id);
/* Of two with as many devices, that of the device with the least id; "" when there is none. */
const char *tailnet_domains_best(const struct tailnet_domains *d);

/* What is behind the first dot of a name, without a final dot; "" when there is nothing, or more
 * than fits. */
void tailnet_domain_of(const char *name, char out[TAILNET_DOMAIN_MAX]);
/* "Personal", "Organization" or "": a guess, to be shown only. */
const char *tailnet_organization(const char *domain);

#endif
