/*
 * What is kept of the objects in the cluster, one struct for each kind: only fields that are
 * read. Each is the data of a kube_entry (lib/kube/kube_cache.h), which has namespace, name, uid
 * and version; texts of our children are in its `text`. Texts are owned and never NULL: "" is none.
 *
 * A decoder never fails: a field of another type counts as absent, and faults of our own kinds are
 * listed in `faults`, for the condition.
 */
#ifndef CONTROLLER_CLUSTER_OBJECTS_H
#define CONTROLLER_CLUSTER_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/secret.h"
#include "lib/base/str.h"
#include "lib/contract/egress_status.h"

struct json;

/* metadata; the first member of each struct below. */
struct object {
	int64_t generation;
	char *created;  /* creationTimestamp, RFC 3339 */
	char *deleting; /* deletionTimestamp, "" unless it is being deleted */
	/* The owner with controller: true. */
	char *owner_kind, *owner_name, *owner_uid;
	struct strv finalizers;
	struct strv labels;      /* key and value in turns: those of tailscale.com/ and
				    gateway.tailscale.com/, and kubernetes.io/service-name */
	struct strv annotations; /* the same, of these prefixes */
};

const char *object_label(const struct object *o, const char *key); /* NULL when it is not there */
const char *object_annotation(const struct object *o, const char *key);
/* An annotation of users: gateway.tailscale.com/NAME, else tailscale.com/NAME; NULL for none. */
const char *object_user_annotation(const struct object *o, const char *name);
bool object_is_deleting(const struct object *o);
bool object_has_finalizer(const struct object *o, const char *finalizer);

struct object_tailnet {
	struct object meta;
	char *control_plane; /* "Tailscale" or "Headscale" */
	char *tailnet, *server_url, *api_url;
	char *secret_name, *secret_ns;
	struct strv tags, proxy_tags;
	char *domain, *ca_secret_name;
	int64_t sync_interval_s;
	/* status */
	int64_t observed_generation;
	char *suffix; /* tailnetInfo.magicDNSSuffix */
	char *ready, *ready_reason;
	struct json *status; /* whole, NULL when there is none */
	struct strv faults;
};

struct object_proxy_group {
	struct object meta;
	char *type; /* "egress" */
	int64_t replicas;
	struct strv tags;
	char *hostname_prefix, *tailnet;
	bool accept_routes;
	/* tailnetTarget; NULL without one: {serviceName|fqdn|ip, ports} */
	struct json *target;
	struct json *template; /* whole, NULL without one */
	struct json *status;   /* whole, NULL when there is none */
	struct strv faults;
};

struct object_port {
	char *name;
	char *protocol; /* "TCP" when absent */
	int64_t port;
	int64_t target; /* 0 when it is a name or absent */
};

/* Services without our labels, annotations and finalizer are kept without data (NULL). */
struct object_service {
	struct object meta;
	char *type, *external_name, *cluster_ip;
	struct strv cluster_ips, ip_families;
	struct object_port *ports;
	size_t port_count;
	struct json *conditions; /* status.conditions, NULL when there are none */
};

struct object_pod {
	struct object meta;
	struct strv ips;
	char *phase;
	bool is_ready;
	bool has_gate;  /* the condition tailscale.com/egress-services is True */
	char *revision; /* controller-revision-hash */
};

/* Managed Secrets only (label tailscale.com/secret-type). */
struct object_secret {
	struct object meta;
	/* type "config" */
	struct secret config; /* cap-106.hujson */
	/* type "state" */
	char *device_id, *device_fqdn, *pod_uid, *capver;
	struct strv device_ips;
	struct secret reissue_authkey; /* the refused key, empty when the pod had none */
	bool is_reissue;               /* it is there, also empty: another key is asked for */
	char *egress_services;         /* text of the status */
	struct egress_status egress;   /* what it says; empty when it cannot be read */
};

struct object_stateful_set {
	struct object meta;
	int64_t replicas, ready_replicas, updated_replicas, observed_generation;
	char *current_revision, *update_revision;
};

struct object_config_map {
	struct object meta;
	bool is_readable; /* it has the document of egress Services */
	struct egress_config egress;
};

struct object_slice {
	struct object meta;
	struct strv pods; /* uids of the pods that are its endpoints */
};

/* ServiceAccount, Role, RoleBinding, PodDisruptionBudget: their text is what is compared. */
struct object_child {
	struct object meta;
};

#endif
