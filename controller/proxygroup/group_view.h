/*
 * Everything that the plan for one proxy group needs, as plain data borrowed from the caches and
 * from the memory of the feature (group_memory.h). The only reader of caches here. Private to this
 * folder.
 *
 *	AUTO(group_view_fini) struct group_view view = {0};
 *	if (group_view_read(&source, "egress", &view))
 *		group_plan(&view, NULL, &plan);
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_VIEW_H
#define CONTROLLER_PROXYGROUP_GROUP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/egress_group_view.h"
#include "controller/cluster/objects.h"
#include "controller/proxygroup/group_memory.h"
#include "controller/proxygroup/group_settings.h"
#include "lib/kube/kube_cache.h"

struct cluster;

/* Annotations of the StatefulSet: by which version and settings of the controller its template was
 * made, and from which generations of the objects. */
#define GROUP_MADE_BY "gateway.tailscale.com/made-by"
#define GROUP_MADE_FROM "gateway.tailscale.com/made-from"
/* Annotation of a pod: its mounted files are to be read again. */
#define GROUP_CONFIG_VERSION "gateway.tailscale.com/config-version"

/* One number of the group: desired, or left from a time with more replicas. */
struct group_replica {
	int ordinal;
	/* Entries of the caches, NULL for what is not there; of any owner. */
	const struct kube_entry *state, *config, *pod;
	const struct secret *minted; /* a key that is not written yet; NULL without one */
	const struct json *ledger;   /* of status.devices; NULL without an entry */
};

/* Another group of the same tailnet, as far as a roll-out is concerned. */
struct group_neighbour {
	const char *name;
	bool is_ready;   /* the condition ProxyGroupReady is True */
	bool is_current; /* its template was made by this version */
	bool is_rolled;  /* all its pods have the newest template */
};

struct group_view {
	const struct group_settings *settings;
	const char *ns; /* of the children */
	const struct kube_entry *entry;
	const struct object_proxy_group *group; /* its data */
	const char *tailnet_name;
	const struct object_tailnet *tailnet; /* NULL: no such object */
	bool has_control;                     /* a control plane can be asked */
	const struct kube_entry *stateful_set, *config_map, *account, *role, *role_binding,
		*service, *budget;
	struct group_replica *replicas; /* sorted by ordinal */
	size_t count;
	struct egress_group_view egress; /* what the pods forward */
	struct group_neighbour *neighbours;
	size_t neighbour_count;
	/* Keys that may be replaced now, and when there is one more. */
	unsigned int tokens;
	uint64_t next_token_ms;
	int64_t deleting_s;         /* since the deletion was asked for */
	const struct strv *deleted; /* ids of devices that are gone since the controller began */
	char now[40];
};

struct group_source {
	const struct cluster *cluster;
	const struct group_settings *settings;
	struct group_memory *memory;
	bool (*has_control)(void *arg, const char *tailnet);
	void *arg;
};

/* How its keys may be replaced. */
struct group_bucket group_bucket_of(
	const struct object_proxy_group *group, const struct group_settings *settings);

/* False when there is no such group. out is zeroed. */
bool group_view_read(const struct group_source *source, const char *name, struct group_view *out);
void group_view_fini(struct group_view *v);

/* Data of a replica's entries; NULL without one. */
const struct object_secret *group_state(const struct group_replica *r);
const struct object_secret *group_config(const struct group_replica *r);
const struct object_pod *group_pod(const struct group_replica *r);
bool group_is_surplus(const struct group_view *v, const struct group_replica *r);
/* The id that a device of the replica is known by: of its state, else of the ledger; "" if none. */
const char *group_device_id(const struct group_replica *r);
/* In our sense: the pod is there and stays, wrote its state itself, and has a name in the
 * tailnet. */
bool group_is_running(const struct group_replica *r);
/* The pod asks for a key other than the one that it has been given. */
bool group_asks_for_key(const struct group_replica *r);

#endif
