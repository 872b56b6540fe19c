#include "boot/store/node_store.h"

#include <stdio.h>
#include <string.h>

#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "boot/store/kube_client.h"
#include "boot/store/store_events.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "lib/kube/kube.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "statestore/store_dir.h"
#include "statestore/store_kube.h"

/* Users wait for the start: until it is complete, a Retry-After is obeyed up to this. */
#define BOOT_RETRY_AFTER_MAX_MS 5000

/* A folder is only for information: the node does not depend on it. */
static bool is_tried_in_folder(const struct node_store *s)
{
	return !s->is_secret && (statestore_is_tried(s->store) || statestore_is_away(s->store));
}

/* An operator identifies the node by these. */
static bool is_identity_stored(const struct node_store *s)
{
	return statestore_is_stored(s->store, STORE_KEY_CAPVER) &&
	       statestore_is_stored(s->store, STORE_KEY_DEVICE_ID) &&
	       statestore_is_stored(s->store, STORE_KEY_DEVICE_FQDN) &&
	       statestore_is_stored(s->store, STORE_KEY_DEVICE_IPS);
}

bool node_store_is_published(const struct node_store *s)
{
	return statestore_is_idle(s->store) || is_tried_in_folder(s) ||
	       (statestore_is_tried(s->store) && is_identity_stored(s));
}

static void check_ready(struct node_store *s)
{
	if (s->is_ready || (!statestore_is_idle(s->store) && !is_tried_in_folder(s)))
		return;
	s->is_ready = true;
	s->events.on_ready(s->events.arg);
}

static void on_answered(void *arg)
{
	struct node_store *s = arg;
	check_ready(s);
	s->events.on_answered(s->events.arg);
}

static void make_store(struct node_store *s, const struct statestore_backend *backend_take)
{
	const struct times *t = s->partners.times;
	struct statestore_times times = {t->retry_base_ms, t->retry_max_ms, t->store_away_max_ms};
	s->store = statestore_new(s->partners.loop, s->partners.conditions, backend_take, &times);
	statestore_require(s->store, STORE_KEY_DEVICE_ID, STORE_KEY_CAPVER);
	statestore_require(s->store, STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_ID);
	statestore_require(s->store, STORE_KEY_DEVICE_IPS, STORE_KEY_DEVICE_ID);
	statestore_on_answered(s->store, on_answered, s);
}

static void fail(struct node_store *s, const char *step, const char *reason)
{
	AUTO(mem_free) char *sentence = xasprintf("%s: %s", step, reason);
	s->events.on_failed(s->events.arg, sentence);
}

/* False when the start fails here. */
static bool pick_up_authkey(struct node_store *s, const struct store_kube_facts *facts)
{
	if (!settings_may_use_stored_authkey(s->partners.settings))
		return true;
	if (!facts->exists) {
		log_event(EV_NODE_NO_SECRET);
		return true;
	}
	const struct kube_field *field = kube_fields_get(&facts->fields, STORE_KEY_AUTHKEY);
	if (field == NULL || field->len == 0) {
		log_event(EV_NODE_NO_AUTHKEY);
		return true;
	}
	if (!facts->can_patch) {
		fail(s, "error setting up for running on Kubernetes",
			"authkey found in TS_KUBE_SECRET, but the pod doesn't have patch "
			"permissions on the Secret to manage the authkey.");
		return false;
	}
	s->has_authkey = true;
	s->events.on_authkey(s->events.arg, field->value, field->len);
	return true;
}

/* Only keys that we write: the Secret also holds the daemon's private keys, which must not stay in
 * this memory. */
static void set_known(struct node_store *s, const struct kube_fields *fields)
{
	static const char *const ours[] = {STORE_KEY_CAPVER, STORE_KEY_POD_UID, STORE_KEY_DEVICE_ID,
		STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_IPS, STORE_KEY_HTTPS_ENDPOINT,
		STORE_KEY_EGRESS_SERVICES, STORE_KEY_INGRESS_CONFIG, STORE_KEY_REISSUE_AUTHKEY,
		STORE_KEY_AUTHKEY};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		const struct kube_field *f = kube_fields_get(fields, ours[i]);
		if (f == NULL)
			continue;
		/* The store compares texts; a key or an unusual value is kept as a mark that
		 * differs from any wanted one. */
		bool is_secret = strcmp(f->key, STORE_KEY_AUTHKEY) == 0 ||
				 strcmp(f->key, STORE_KEY_REISSUE_AUTHKEY) == 0;
		bool is_text = strlen(f->value) == f->len;
		statestore_known(s->store, f->key, is_secret || !is_text ? SECRET_SHOWN : f->value);
	}
}

static void reset_secret(struct node_store *s, const struct store_kube_facts *facts)
{
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	store_kube_plan_reset(&facts->fields, s->capver, s->partners.settings->pod_uid,
		secret_str(s->config_authkey_ref), &changes);
	set_known(s, &facts->fields);
	for (size_t i = 0; i < changes.len; i++)
		statestore_set(s->store, changes.items[i].key, changes.items[i].value);
}

static void mark(struct node_store *s)
{
	const char *pod_uid = s->partners.settings->pod_uid;
	statestore_set(s->store, STORE_KEY_CAPVER, s->capver);
	if (pod_uid[0] != '\0')
		statestore_set(s->store, STORE_KEY_POD_UID, pod_uid);
}

static void on_set_up(void *arg, const struct store_kube_facts *facts, const struct err *err)
{
	struct node_store *s = arg;
	const struct settings *settings = s->partners.settings;
	s->setup = NULL;
	if (err != NULL) {
		fail(s, "error setting up for running on Kubernetes", err->msg);
		return;
	}
	if (!pick_up_authkey(s, facts))
		return;
	if (!facts->can_patch)
		condition_raise(s->partners.conditions, CONDITION_STORE_NOT_PERMITTED, "%s",
			facts->cannot_patch.msg);
	struct statestore_backend backend;
	s->is_secret = settings->in_kubernetes && store_kube_backend(s->kube, settings->kube_secret,
							  facts->can_patch, &backend);
	make_store(s, s->is_secret ? &backend : NULL);
	s->is_new = s->is_secret && !facts->exists;
	if (s->is_secret && facts->exists)
		reset_secret(s, facts);
	check_ready(s);
}

static void set_up_folder(struct node_store *s)
{
	const char *state_dir = s->partners.settings->state_dir;
	struct statestore_backend backend;
	if (state_dir[0] == '\0') {
		make_store(s, NULL);
	} else {
		store_dir_backend(s->partners.loop, state_dir, &backend);
		make_store(s, &backend);
		store_dir_load_known(state_dir, s->store);
		mark(s);
		statestore_set(s->store, STORE_KEY_HTTPS_ENDPOINT, NULL);
		/* What an earlier run published about its rules does not hold for ours yet. */
		statestore_set(s->store, STORE_KEY_EGRESS_SERVICES, NULL);
		statestore_set(s->store, STORE_KEY_INGRESS_CONFIG, NULL);
	}
	check_ready(s);
}

static void set_up_secret(struct node_store *s)
{
	const struct settings *settings = s->partners.settings;
	struct err e;
	s->kube = kube_client_new(
		settings, s->partners.loop, s->partners.fetcher, s->partners.resolver, &e);
	if (s->kube == NULL) {
		fail(s, "error initializing kube client: error creating kube client", e.msg);
		return;
	}
	kube_limit_retry_after(s->kube, BOOT_RETRY_AFTER_MAX_MS);
	struct store_kube_setup_options setup = {
		.secret = settings->kube_secret,
		.retry_base_ms = s->partners.times->retry_base_ms,
		.retry_max_ms = s->partners.times->boot_retry_max_ms,
		.is_held = s->capver[0] == '\0',
	};
	s->setup = store_kube_setup_start(s->partners.loop, s->kube, &setup, on_set_up, s);
}

void node_store_init(struct node_store *s, const struct node_store_partners *partners,
	const struct node_store_events *events)
{
	*s = (struct node_store){.partners = *partners, .events = *events};
}

void node_store_fini(struct node_store *s)
{
	node_store_cancel_set_up(s);
	statestore_free(s->store);
	kube_free(s->kube);
}

void node_store_start_complete(struct node_store *s)
{
	if (s->kube != NULL)
		kube_limit_retry_after(s->kube, KUBE_RETRY_AFTER_MAX_MS);
}

void node_store_set_up(struct node_store *s, const struct secret *config_authkey)
{
	s->config_authkey_ref = config_authkey;
	s->is_begun = true;
	if (s->partners.settings->kube_secret[0] != '\0')
		set_up_secret(s);
	else if (s->capver[0] != '\0')
		set_up_folder(s);
}

void node_store_set_capver(struct node_store *s, int version)
{
	bool is_first = s->capver[0] == '\0';
	snprintf(s->capver, sizeof(s->capver), "%d", version);
	if (s->setup != NULL)
		store_kube_setup_release(s->setup);
	else if (s->is_begun && is_first && s->store == NULL)
		set_up_folder(s);
	else if (s->store != NULL && !s->is_new)
		statestore_set(s->store, STORE_KEY_CAPVER, s->capver);
}

void node_store_cancel_set_up(struct node_store *s)
{
	store_kube_setup_cancel(s->setup);
	s->setup = NULL;
}

const char *node_store_pending_reason(const struct node_store *s)
{
	return s->setup != NULL ? store_kube_setup_last_error(s->setup) : "";
}

bool node_store_is_resetting(const struct node_store *s)
{
	return s->store != NULL && !s->is_ready;
}

void node_store_mark(struct node_store *s)
{
	if (s->is_new)
		mark(s);
	s->is_new = false;
}

void node_store_found_authkey(struct node_store *s)
{
	s->has_authkey = true;
	statestore_known(s->store, STORE_KEY_AUTHKEY, SECRET_SHOWN);
}

void node_store_delete_authkey(struct node_store *s)
{
	if (!s->is_secret || !s->has_authkey)
		return;
	log_event(EV_NODE_KEY_DELETING);
	statestore_set(s->store, STORE_KEY_AUTHKEY, NULL);
	s->has_authkey = false;
}

struct statestore *node_store_for_serve(const struct node_store *s)
{
	return s->is_secret || s->kube == NULL ? s->store : NULL;
}
