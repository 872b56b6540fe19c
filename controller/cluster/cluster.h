/*
 * What the cluster says: a cache for each kind that the controller reads, fed by watches, and the
 * table that says which object's key an event of a kind queues. The only reader of caches are the
 * views of the features.
 *
 * Without watches it can be fed by hand: cluster_feed, for tests.
 *
 *	c = cluster_new(&options);
 *	cluster_watch(c, loop, kube);
 *	const struct kube_cache *pods = cluster_cache(c, CLUSTER_PODS);
 */
#ifndef CONTROLLER_CLUSTER_CLUSTER_H
#define CONTROLLER_CLUSTER_CLUSTER_H

#include <stdbool.h>

#include "lib/kube/kube_cache.h"

/* Objects of our own kinds and Services are watched in all namespaces, managed children in ours. */
enum cluster_kind {
	CLUSTER_TAILNETS,
	CLUSTER_PROXY_GROUPS,
	CLUSTER_SERVICES,
	CLUSTER_SECRETS,
	CLUSTER_PODS,
	CLUSTER_STATEFUL_SETS,
	CLUSTER_CONFIG_MAPS,
	CLUSTER_SERVICE_ACCOUNTS,
	CLUSTER_ROLES,
	CLUSTER_ROLE_BINDINGS,
	CLUSTER_SLICES,
	CLUSTER_BUDGETS,
	CLUSTER_KINDS,
};

/* Indexes of a cache, the same for all kinds. */
enum cluster_index {
	CLUSTER_BY_PARENT,  /* "TYPE/NAMESPACE/NAME" of the labels parent-resource…, e.g.
			      "proxygroup//egress", "svc/default/web" */
	CLUSTER_BY_GROUP,   /* the group of a Service: label of ours, annotation of a user's */
	CLUSTER_BY_TAILNET, /* of a proxy group: spec.tailnet, or the default */
	CLUSTER_INDEXES,
};

/* Keys of features. */
#define CLUSTER_KEY_TAILNET "TailscaleTailnet"
#define CLUSTER_KEY_PROXY_GROUP "TailscaleProxyGroup"
#define CLUSTER_KEY_SERVICE "Service"

#define CLUSTER_LABEL_MANAGED "tailscale.com/managed"
#define CLUSTER_LABEL_PARENT_TYPE "tailscale.com/parent-resource-type"
#define CLUSTER_LABEL_PARENT "tailscale.com/parent-resource"
#define CLUSTER_LABEL_PARENT_NS "tailscale.com/parent-resource-ns"
#define CLUSTER_LABEL_GROUP "tailscale.com/proxy-group"
#define CLUSTER_LABEL_SVC_TYPE "tailscale.com/svc-type"
#define CLUSTER_LABEL_SECRET_TYPE "tailscale.com/secret-type"
#define CLUSTER_FINALIZER "gateway.tailscale.com/finalizer"
#define CLUSTER_GATE "tailscale.com/egress-services"

#define CLUSTER_RESYNC_MS 36000000 /* 10 h, give or take a tenth */

struct cluster;
struct kube;
struct loop;

struct cluster_options {
	const char *ns;              /* of the controller: its children live there */
	const char *default_tailnet; /* of groups without one */
	/* An object has to be looked at: one of the keys above. */
	void (*on_key)(void *arg, const char *kind, const char *ns, const char *name);
	/* All caches are complete, for the first time, and all keys have been given. A kind that
	 * does not exist counts as empty. One that we may not read does not hold the others, but
	 * no key is given that needs it. */
	void (*on_synced)(void *arg);
	uint32_t resync_ms; /* all keys again, after about this time; 0 = CLUSTER_RESYNC_MS */
	/* A watch has trouble, once for each outcome until it works again; said by the program. */
	void (*on_trouble)(void *arg, const struct kube_resource *resource,
		enum kube_outcome outcome, const struct err *err);
	void *arg;
};

/* Texts are copied. */
struct cluster *cluster_new(const struct cluster_options *options);
void cluster_free(struct cluster *c); /* NULL is accepted */
void cluster_watch(struct cluster *c, struct loop *loop, struct kube *k);
bool cluster_is_synced(const struct cluster *c);
/* A list of the kind has been complete, or there is no such kind: only then does its absence from
 * the cache mean that an object does not exist. */
bool cluster_is_complete(const struct cluster *c, enum cluster_kind kind);
/* The cache has an object as it was after a write, or a later form of it; version NULL: it has no
 * longer this incarnation. True for kinds that are not read. */
bool cluster_has_seen(const struct cluster *c, const struct kube_target *target, const char *uid,
	const char *version);
/* Gives the keys of all objects, as if each had changed. */
void cluster_queue_all(struct cluster *c);
const struct kube_cache *cluster_cache(const struct cluster *c, enum cluster_kind kind);
const struct kube_resource *cluster_resource(enum cluster_kind kind);
const char *cluster_namespace(const struct cluster *c);
const char *cluster_default_tailnet(const struct cluster *c);

/* One change as a watch would bring it. The object may be changed. Without watches all kinds are
 * complete. */
int cluster_feed(struct cluster *c, enum cluster_kind kind, enum kube_change change,
	struct json *object, struct err *e) MUST_CHECK;

#endif
