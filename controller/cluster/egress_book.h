/*
 * The document of an egress group: for each of its Services the target and the numbers of its
 * ports. Pure.
 *
 * The ConfigMap is where numbers are given out, by the key of the group alone and under the version
 * that was read; the Services in the controller's namespace repeat them. So a number that the
 * ConfigMap has stays, and one that only such a Service has (the ConfigMap was deleted) is adopted.
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_BOOK_H
#define CONTROLLER_CLUSTER_EGRESS_BOOK_H

#include "controller/cluster/egress_request.h"
#include "lib/contract/egress_config.h"

struct kube_entry;

struct egress_book_view {
	const char *group;
	const char *ns;     /* of the controller */
	const char *domain; /* of the cluster: "cluster.local" */
	/* Without faults, and without two of one key; the older ones first. */
	const struct egress_request *const *requests;
	size_t request_count;
	const struct egress_config *written; /* in the ConfigMap, NULL without one */
	/* The Services in the controller's namespace that carry the group's label. */
	const struct kube_entry *const *children;
	size_t child_count;
};

struct egress_book {
	struct egress_config config;
	struct strv refused; /* key, and why it is not in config, in turns */
};

/* out is overwritten. */
void egress_book_make(const struct egress_book_view *view, struct egress_book *out);
void egress_book_fini(struct egress_book *book);
/* NULL when it was not refused. */
const char *egress_book_refusal(const struct egress_book *book, const char *key);

/* SHA-256 of an entry in hexadecimal digits; the caller frees. */
char *egress_book_hash(const struct egress_service *entry);
/* An entry is for what the request asks: the target and the ports. */
bool egress_book_serves(const struct egress_service *entry, const struct egress_request *request);
/* The number that an entry has for a port; 0 without one. */
uint16_t egress_book_number(const struct egress_service *entry, const struct object_port *port);

#endif
