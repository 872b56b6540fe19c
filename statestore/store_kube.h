/*
 * The state Secret: set-up at boot (permissions, content, reset), and the backend for statestore.
 */
#ifndef STATESTORE_STORE_KUBE_H
#define STATESTORE_STORE_KUBE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/kube_secret.h"
#include "statestore/statestore.h"

struct kube;
struct loop;
struct store_kube_setup;

/* The result of the set-up. */
struct store_kube_facts {
	bool exists;
	bool can_patch;
	struct err cannot_patch;   /* if not, why: the verb and the object */
	struct kube_fields fields; /* of the Secret; empty when it does not exist */
};

struct store_kube_setup_options {
	const char *secret;
	uint32_t retry_base_ms, retry_max_ms;
	bool is_held; /* the end waits for store_kube_setup_release */
};

/* err NULL: facts are valid (borrowed for the callback). Otherwise a final error with the full
 * sentence. The handle has been freed by then. */
typedef void (*store_kube_setup_fn)(
	void *arg, const struct store_kube_facts *facts, const struct err *err);

/* Reads the Secret in parallel with the reviews of `update` and `patch`; a review of `create`
 * follows only when the Secret does not exist. Transient failures are retried until cancelled (the
 * caller has the boot deadline). */
struct store_kube_setup *store_kube_setup_start(struct loop *loop, struct kube *k,
	const struct store_kube_setup_options *options, store_kube_setup_fn fn, void *arg);
/* The owner is ready for the end, which may come from within the call. */
void store_kube_setup_release(struct store_kube_setup *s);
void store_kube_setup_cancel(struct store_kube_setup *s); /* NULL is accepted */
/* The transient error for which it is still retrying, "" when there is none. */
const char *store_kube_setup_last_error(const struct store_kube_setup *s);

/* The changes that reset the Secret for this run: pure. Empty when there is nothing to change.
 * capver is decimal text; config_authkey is the key of the configuration file or "". */
void store_kube_plan_reset(const struct kube_fields *fields, const char *capver,
	const char *pod_uid, const char *config_authkey, struct kube_fields *changes);

/* Backend over a Secret. Without can_patch there is no backend (returns false): nothing may be
 * written. */
bool store_kube_backend(
	struct kube *k, const char *secret, bool can_patch, struct statestore_backend *out);

#endif
