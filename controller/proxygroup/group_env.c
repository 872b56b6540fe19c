#include "controller/proxygroup/group_env.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

/* What the controller sets, and what the supervisor refuses beside it. */
static const char *const reserved[] = {
	"POD_IP",
	"POD_IPS",
	"POD_NAME",
	"POD_UID",
	"TS_ACCEPT_DNS",
	"TS_AUDIENCE",
	"TS_AUTHKEY",
	"TS_CLIENT_ID",
	"TS_CLIENT_SECRET",
	"TS_DEBUG_ACME_FORCE_RENEWAL",
	"TS_DEBUG_FIREWALL_MODE",
	"TS_EGRESS_PROXIES_CONFIG_PATH",
	"TS_EGRESS_SERVICES_CONFIG_PATH",
	"TS_ENABLE_HEALTH_CHECK",
	"TS_EXPERIMENTAL_CERT_SHARE",
	"TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT",
	"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR",
	"TS_EXTRA_ARGS",
	"TS_HOSTNAME",
	"TS_ID_TOKEN",
	"TS_INGRESS_PROXIES_CONFIG_PATH",
	"TS_INTERNAL_APP",
	"TS_KUBE_SECRET",
	"TS_LOCAL_ADDR_PORT",
	"TS_ROUTES",
	"TS_SERVE_CONFIG",
	"TS_STATE",
	"TS_USERSPACE",
};

static bool is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (strcmp(reserved[i], name) == 0)
			return true;
	}
	return false;
}

void group_env_check(const struct json *env, struct strv *faults)
{
	size_t place = 0;
	for (const struct json *at = json_first(env); at != NULL; at = json_next(at), place++) {
		const char *name = json_str(json_get(at, "name"));
		if (name == NULL || name[0] == '\0')
			strv_pushf(faults,
				"spec.template.container.env[%zu]: it has no name; write {name, value}",
				place);
		else if (is_reserved(name))
			strv_pushf(faults,
				"spec.template.container.env[%zu]: %s is set by the controller; "
				"remove it",
				place, name);
	}
}

static bool has_name(const struct json *env, const char *name)
{
	for (const struct json *at = json_first(env); at != NULL; at = json_next(at)) {
		if (strcmp(json_str(json_get(at, "name")), name) == 0)
			return true;
	}
	return false;
}

void group_env_push(struct json *env, const char *name, const char *value)
{
	if (has_name(env, name))
		return;
	struct json *variable = json_new_object();
	json_set_str(variable, "name", name);
	if (value != NULL && value[0] != '\0')
		json_set_str(variable, "value", value);
	json_push(env, variable);
}

/* Whether a later one of the list has the name. */
static bool comes_again(const struct json *variable, const char *name)
{
	for (const struct json *at = json_next(variable); at != NULL; at = json_next(at)) {
		const char *other = json_str(json_get(at, "name"));
		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

void group_env_merge(struct json *env, const struct json *user)
{
	for (const struct json *at = json_first(user); at != NULL; at = json_next(at)) {
		const char *name = json_str(json_get(at, "name"));
		if (name != NULL && !comes_again(at, name))
			group_env_push(env, name, json_str(json_get(at, "value")));
	}
}
