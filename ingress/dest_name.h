/*
 * The target in the cluster that TS_EXPERIMENTAL_DEST_DNS_NAME names: connections to our own
 * tailnet address are balanced over all addresses of the name in the same family. The name is
 * resolved again when its answer has expired, and after a failure with growing pauses; the last
 * backends stay in use meanwhile (condition DestNameUnresolved). A backend of a family that the
 * node or the firewall lacks is left out; when none remains, the condition IngressTargetFailed is
 * raised.
 *
 *	d = dest_name_new(loop, resolver, conditions, &options, changed, arg);
 *	dest_name_start(d);     own addresses are known
 *	changed -> dest_name_contribute, nft_apply
 *	result -> dest_name_applied
 */
#ifndef INGRESS_DEST_NAME_H
#define INGRESS_DEST_NAME_H

#include <stdint.h>

#include "lib/base/err.h"

struct condition_set;
struct dest_name;
struct loop;
struct nft_result;
struct nft_wanted;
struct resolver;

struct dest_name_options {
	const char *name;
	uint32_t retry_base_ms, retry_max_ms; /* after a failure */
	uint32_t refresh_max_ms;              /* upper bound for an answer's TTL */
};

/* The backends have changed. Called from the loop. */
typedef void (*dest_name_changed_fn)(void *arg);

/* loop, resolver and conditions are borrowed, options are copied. */
struct dest_name *dest_name_new(struct loop *loop, struct resolver *resolver,
	struct condition_set *conditions, const struct dest_name_options *options,
	dest_name_changed_fn fn, void *arg);
void dest_name_free(struct dest_name *d);
/* Starts resolving. Further calls do nothing. */
void dest_name_start(struct dest_name *d);

/* Adds the backends to w, whose own addresses and families are set already. -EAGAIN while this
 * node can reach no backend: not resolved yet, or none in a family that it has. */
int dest_name_contribute(struct dest_name *d, struct nft_wanted *w, struct err *e) MUST_CHECK;
/* Logs the backends now in force, when they have changed. */
void dest_name_applied(struct dest_name *d, const struct nft_result *result, const struct err *e);

#endif
