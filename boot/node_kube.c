/*
 * The node's table, state KubeSetup: which store there is, and what the Secret tells.
 */
#include "boot/supervisor.h"

#include <stdlib.h>
#include <string.h>

#include "boot/boot_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "config.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/kube.h"
#include "statestore/statestore.h"
#include "statestore/store_dir.h"
#include "statestore/store_kube.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define STRINGIFY_VALUE(x) #x
#define STRINGIFY(x) STRINGIFY_VALUE(x)

/* The Secret must be reset before the daemon starts: an operator would take what an earlier
 * run left for ours. */
static void check_reset(struct supervisor *s)
{
	if (s->state == NODE_STATE_KUBE_SETUP && node_kube_is_published(s))
		supervisor_post(s, NODE_EVENT_KUBE_READY);
}

bool node_kube_is_published(const struct supervisor *s)
{
	/* A folder is for whoever looks into it: the node does not depend on it. */
	return s->has_kube_store ? statestore_is_idle(s->store) : statestore_is_tried(s->store);
}

static void on_answered(void *arg)
{
	check_reset(arg);
	steady_check_complete(arg);
}

static void make_store(struct supervisor *s, const struct statestore_backend *backend_take)
{
	struct statestore_times times = {s->times->retry_base_ms, s->times->retry_max_ms};
	s->store = statestore_new(s->loop, &s->conditions, backend_take, &times);
	statestore_require(s->store, STORE_KEY_DEVICE_ID, STORE_KEY_CAPVER);
	statestore_require(s->store, STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_ID);
	statestore_require(s->store, STORE_KEY_DEVICE_IPS, STORE_KEY_DEVICE_ID);
	statestore_on_answered(s->store, on_answered, s);
}

/* False when the start ends here. */
static bool pick_up_authkey(struct supervisor *s, const struct store_kube_facts *facts)
{
	if (!settings_may_use_stored_authkey(s->settings))
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
		supervisor_end(s, FATAL_BOOT_STEP,
			"error setting up for running on Kubernetes: authkey found in "
			"TS_KUBE_SECRET, but the pod "
			"doesn't have patch permissions on the Secret to manage the authkey.");
		return false;
	}
	secret_set(&s->stored_authkey, field->value, field->len);
	mask_add(&s->mask, &s->stored_authkey);
	s->authkey_in_secret = true;
	return true;
}

/* Only keys that are ours to write: the Secret also holds the daemon's private keys, which have no
 * place in this memory. */
static void tell_known(struct supervisor *s, const struct kube_fields *fields)
{
	static const char *const ours[] = {STORE_KEY_CAPVER, STORE_KEY_POD_UID, STORE_KEY_DEVICE_ID,
		STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_IPS, STORE_KEY_HTTPS_ENDPOINT,
		STORE_KEY_EGRESS_SERVICES, STORE_KEY_INGRESS_CONFIG, STORE_KEY_REISSUE_AUTHKEY,
		STORE_KEY_AUTHKEY};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		const struct kube_field *f = kube_fields_get(fields, ours[i]);
		if (f == NULL)
			continue;
		/* The store compares texts; a key or an odd value is kept as a mark that
		 * differs from any wanted one. */
		bool is_secret = strcmp(f->key, STORE_KEY_AUTHKEY) == 0 ||
				 strcmp(f->key, STORE_KEY_REISSUE_AUTHKEY) == 0;
		bool is_text = strlen(f->value) == f->len;
		statestore_known(s->store, f->key, is_secret || !is_text ? SECRET_SHOWN : f->value);
	}
}

static void reset_secret(struct supervisor *s, const struct store_kube_facts *facts)
{
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	store_kube_plan_reset(&facts->fields, STRINGIFY(TAILBOOT_CAPVER), s->settings->pod_uid,
		secret_str(&s->config_authkey), &changes);
	tell_known(s, &facts->fields);
	for (size_t i = 0; i < changes.len; i++)
		statestore_set(s->store, changes.items[i].key, changes.items[i].value);
}

void node_kube_mark_secret(struct supervisor *s)
{
	statestore_set(s->store, STORE_KEY_CAPVER, STRINGIFY(TAILBOOT_CAPVER));
	if (s->settings->pod_uid[0] != '\0')
		statestore_set(s->store, STORE_KEY_POD_UID, s->settings->pod_uid);
}

static void on_kube_setup(void *arg, const struct store_kube_facts *facts, const struct err *err)
{
	struct supervisor *s = arg;
	s->kube_setup = NULL;
	if (err != NULL) {
		supervisor_end(s, FATAL_BOOT_STEP, "error setting up for running on Kubernetes: %s",
			err->msg);
		return;
	}
	if (!pick_up_authkey(s, facts))
		return;
	struct statestore_backend backend;
	s->has_kube_store =
		s->settings->in_kubernetes &&
		store_kube_backend(s->kube, s->settings->kube_secret, facts->can_patch, &backend);
	make_store(s, s->has_kube_store ? &backend : NULL);
	s->secret_is_new = s->has_kube_store && !facts->exists;
	if (s->has_kube_store && facts->exists)
		reset_secret(s, facts);
	check_reset(s);
}

static void set_up_folder(struct supervisor *s)
{
	struct statestore_backend backend;
	if (s->settings->state_dir[0] == '\0') {
		make_store(s, NULL);
	} else {
		store_dir_backend(s->loop, s->settings->state_dir, &backend);
		make_store(s, &backend);
		store_dir_load_known(s->settings->state_dir, s->store);
		node_kube_mark_secret(s);
		statestore_set(s->store, STORE_KEY_HTTPS_ENDPOINT, NULL);
		/* What an earlier run told of its rules is not true of ours yet. */
		statestore_set(s->store, STORE_KEY_EGRESS_SERVICES, NULL);
		statestore_set(s->store, STORE_KEY_INGRESS_CONFIG, NULL);
	}
	check_reset(s);
}

void node_kube_setup(struct supervisor *s)
{
	const struct settings *settings = s->settings;
	struct err e;
	if (settings->kube_secret[0] == '\0') {
		set_up_folder(s);
		return;
	}
	AUTO(mem_free) char *account_dir = settings_path(settings, ACCOUNT_DIR);
	bool from_env = settings->kube_address_from_env;
	struct kube_options options = {
		.account_dir = account_dir,
		.host = from_env ? settings->kubernetes_service_host : NULL,
		.port = from_env ? settings->kubernetes_service_port_https : NULL,
	};
	s->kube = kube_new(s->loop, s->fetcher, s->resolver, &options, &e);
	if (s->kube == NULL) {
		supervisor_end(s, FATAL_BOOT_STEP,
			"error initializing kube client: error creating kube client: %s", e.msg);
		return;
	}
	struct store_kube_setup_options setup = {
		.secret = settings->kube_secret,
		.retry_base_ms = s->times->retry_base_ms,
		.retry_max_ms = s->times->retry_max_ms,
	};
	s->kube_setup = store_kube_setup_start(s->loop, s->kube, &setup, on_kube_setup, s);
}
