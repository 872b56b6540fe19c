/*
 * What a request to the API server is sent with: namespace, CA, and a token or a client
 * certificate. The service-account folder (kube_account.h) and a kubeconfig (kube_config.h) are
 * two sources of it.
 */
#ifndef LIB_KUBE_KUBE_ACCESS_H
#define LIB_KUBE_KUBE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/io/fetch.h"

struct kube_access {
	char *ns;
	struct secret token; /* may be unset */
	struct buf ca;       /* PEM; empty = the system's authorities */
	/* Points to members of the source; NULL = none. */
	const struct fetch_identity *identity_ref;
	uint64_t generation; /* grows with each new credential */
	/* Called before each request: reads again what has changed. force: after a refusal. A
	 * source that cannot be read keeps its previous values. */
	void (*refresh)(struct kube_access *a, bool force);
	/* Frees the source. */
	void (*free)(struct kube_access *a);
};

#endif
