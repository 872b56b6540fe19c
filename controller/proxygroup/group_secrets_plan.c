#include <stdlib.h>
#include <string.h>

#include "controller/manifests/manifest.h"
#include "controller/proxygroup/group_plan_internal.h"
#include "lib/base/b64.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"

#define TEXT_MAX (1024u * 1024)

/* What the auth key of a replica's configuration shall be. */
enum key {
	KEY_KEEP,    /* what is there */
	KEY_NONE,    /* the pod has logged in */
	KEY_MINTED,  /* the one in memory */
	KEY_MINT,    /* one has to be made */
	KEY_REPLACE, /* the same, and the device is deleted before */
	KEY_WAIT,    /* one has to be made, but not now; nothing is written */
};

static enum key key_of(const struct group_view *v, const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	const struct object_pod *pod = group_pod(r);
	bool has_logged_in = state != NULL && state->device_id[0] != '\0';
	bool goes_away = pod != NULL && object_is_deleting(&pod->meta);
	if (r->minted != NULL)
		return KEY_MINTED;
	if (r->config == NULL && has_logged_in)
		return KEY_NONE;
	if (r->config == NULL)
		return goes_away || !group_tailnet_is_usable(v) ? KEY_WAIT : KEY_MINT;
	if (group_asks_for_key(r))
		return goes_away || !group_tailnet_is_usable(v) ? KEY_KEEP : KEY_REPLACE;
	return has_logged_in && !state->is_reissue ? KEY_NONE : KEY_KEEP;
}

static struct json *secret_values(const struct group_view *v, const char *name, const char *type)
{
	struct json *values = json_new_object();
	json_set_str(values, "group", v->entry->name);
	json_set_str(values, "namespace", v->ns);
	json_set_str(values, "uid", v->entry->uid);
	json_set_str(values, "secret", name);
	json_set_str(values, "type", type);
	return values;
}

static bool has_label(const struct object *meta, const char *key, const char *value)
{
	const char *live = object_label(meta, key);
	return live != NULL && strcmp(live, value) == 0;
}

static bool has_labels(const struct group_view *v, const struct object *meta, const char *type)
{
	return has_label(meta, CLUSTER_LABEL_MANAGED, "true") &&
	       has_label(meta, CLUSTER_LABEL_PARENT_TYPE, "proxygroup") &&
	       has_label(meta, CLUSTER_LABEL_PARENT, v->entry->name) &&
	       has_label(meta, CLUSTER_LABEL_SECRET_TYPE, type);
}

/* Server-side apply with the version that was read: the Secret has more than one writer. */
static void apply_secret(const struct group_view *v, int stage, const struct json *values,
	const struct kube_entry *live, struct engine_plan *plan)
{
	struct err e;
	struct json *doc = manifest_fill("group-secret", values, &e);
	if (doc == NULL)
		return;
	if (live != NULL) {
		struct json *metadata = json_dup(json_get(doc, "metadata"));
		json_set_str(metadata, "resourceVersion", live->version);
		json_set(doc, "metadata", metadata);
	}
	const struct kube_op op = {
		.verb = KUBE_APPLY,
		.target = group_target(v, CLUSTER_SECRETS, json_str(json_get(values, "secret"))),
		.field_manager = ENGINE_FIELD_MANAGER,
		.is_forced = true,
	};
	engine_plan_request(plan, stage, &op, doc)->is_new = live == NULL;
}

static void plan_state(
	const struct group_view *v, const struct group_replica *r, struct engine_plan *plan)
{
	if (r->state != NULL && has_labels(v, r->state->data, "state"))
		return;
	AUTO(mem_free) char *name = xasprintf("%s-%d", v->entry->name, r->ordinal);
	AUTO(json_freep) struct json *values = secret_values(v, name, "state");
	apply_secret(v, GROUP_STAGE_STATE, values, r->state, plan);
}

/* The text of the file as it shall be. What others have put there stays. */
static void config_text(
	const struct group_view *v, const struct group_replica *r, enum key key, struct secret *out)
{
	struct err e;
	AUTO(proxy_config_fini) struct proxy_config config = {0};
	const struct object_secret *live = group_config(r);
	const char *prefix = v->group->hostname_prefix;
	/* An unreadable text counts as an empty one. */
	if (live != NULL &&
		proxy_config_parse(secret_str(&live->config), live->config.len, &config, &e) < 0)
		config = (struct proxy_config){0};
	free(config.hostname);
	free(config.server_url);
	config.hostname =
		xasprintf("%s-%d", prefix[0] != '\0' ? prefix : v->entry->name, r->ordinal);
	config.server_url = xstrdup(v->tailnet->server_url);
	config.accept_routes = v->group->accept_routes;
	if (key == KEY_MINTED)
		secret_copy(&config.authkey, r->minted);
	else if (key == KEY_NONE)
		secret_fini(&config.authkey);
	proxy_config_print(&config, out);
}

static void set_data(struct json *values, const struct secret *text)
{
	struct err e;
	AUTO(buf_wipe) struct buf coded = BUF_INIT(2 * TEXT_MAX);
	struct json *data = json_new_object();
	if (b64_encode(secret_str(text), text->len, &coded, &e) == 0)
		json_set_str(data, PROXY_CONFIG_KEY, buf_cstr(&coded));
	json_set(values, "data", data);
}

static void plan_config(const struct group_view *v, const struct group_replica *r, enum key key,
	struct engine_plan *plan)
{
	AUTO(secret_fini) struct secret text = {0};
	const struct object_secret *live = group_config(r);
	config_text(v, r, key, &text);
	if (live != NULL && has_labels(v, &live->meta, "config") &&
		secret_equal(&text, &live->config))
		return;
	AUTO(mem_free) char *name = xasprintf("%s-%d-config", v->entry->name, r->ordinal);
	AUTO(json_freep) struct json *values = secret_values(v, name, "config");
	set_data(values, &text);
	apply_secret(v, GROUP_STAGE_KEYS, values, r->config, plan);
}

/* Makes a key, after the device that the old one belonged to has been deleted. False when there
 * have been too many. */
static bool plan_replace(const struct group_view *v, const struct group_calls *calls,
	const struct group_replica *r, unsigned int *tokens, struct engine_plan *plan)
{
	if (*tokens == 0) {
		group_again(plan, v->next_token_ms);
		return false;
	}
	(*tokens)--;
	AUTO(mem_free) char *text = xasprintf("%s/%s", v->entry->name, group_device_id(r));
	engine_plan_call(plan, GROUP_STAGE_KEYS, "replace key", calls->replace, text, r->ordinal);
	return true;
}

/* The pod reads its file again at once, not only when the kubelet happens to refresh it. */
static void wake_pod(
	const struct group_view *v, const struct group_replica *r, struct engine_plan *plan)
{
	const struct object_secret *state = group_state(r);
	const struct object_pod *pod = group_pod(r);
	bool waits = state != NULL && state->is_reissue && r->config != NULL && pod != NULL &&
		     !object_is_deleting(&pod->meta) && !group_asks_for_key(r);
	const char *seen = waits ? object_annotation(&pod->meta, GROUP_CONFIG_VERSION) : NULL;
	if (!waits || (seen != NULL && strcmp(seen, r->config->version) == 0))
		return;
	struct json *annotations = json_new_object();
	json_set_str(annotations, GROUP_CONFIG_VERSION, r->config->version);
	struct json *metadata = json_new_object();
	json_set_str(metadata, "uid", r->pod->uid);
	json_set(metadata, "annotations", annotations);
	struct json *body = json_new_object();
	json_set(body, "metadata", metadata);
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = group_target(v, CLUSTER_PODS, r->pod->name),
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	/* A pod that is gone, or another one by now, reads the file anyway. */
	engine_plan_request(plan, GROUP_STAGE_KEYS, &op, body)->accepts =
		ENGINE_ACCEPTS(KUBE_NOT_FOUND) | ENGINE_ACCEPTS(KUBE_CONFLICT);
}

bool group_plan_secrets(
	const struct group_view *v, const struct group_calls *calls, struct engine_plan *plan)
{
	unsigned int tokens = v->tokens;
	bool makes_keys = false;
	for (size_t i = 0; i < v->count; i++) {
		const struct group_replica *r = &v->replicas[i];
		if (group_is_surplus(v, r))
			continue;
		enum key key = key_of(v, r);
		if (key == KEY_MINT) {
			AUTO(mem_free) char *text = xasprintf("%s/", v->entry->name);
			engine_plan_call(
				plan, GROUP_STAGE_KEYS, "mint key", calls->mint, text, r->ordinal);
			makes_keys = true;
		} else if (key == KEY_REPLACE && plan_replace(v, calls, r, &tokens, plan)) {
			makes_keys = true;
		} else if (key != KEY_WAIT) {
			plan_state(v, r, plan);
			plan_config(v, r, key, plan);
			wake_pod(v, r, plan);
		}
	}
	return makes_keys;
}
