#include "boot/settings/settings.h"

#include <string.h>

#include "lib/base/mem.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

bool settings_is_one_step(const struct settings *s)
{
	return *s->config_dir != '\0';
}

bool settings_is_two_step_once(const struct settings *s)
{
	return s->auth_once && !settings_is_one_step(s);
}

const char *settings_l3_setting(const struct settings *s)
{
	if (*s->dest_ip != '\0')
		return "TS_DEST_IP";
	if (*s->dest_dns_name != '\0')
		return "TS_EXPERIMENTAL_DEST_DNS_NAME";
	if (*s->tailnet_target_ip != '\0')
		return "TS_TAILNET_TARGET_IP";
	if (*s->tailnet_target_fqdn != '\0')
		return "TS_TAILNET_TARGET_FQDN";
	if (s->proxy_cluster_traffic_via_ingress)
		return "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS";
	if (*s->egress_proxies_config_path != '\0')
		return "TS_EGRESS_PROXIES_CONFIG_PATH";
	if (*s->ingress_proxies_config_path != '\0')
		return "TS_INGRESS_PROXIES_CONFIG_PATH";
	return NULL;
}

bool settings_is_l3_proxy(const struct settings *s)
{
	return settings_l3_setting(s) != NULL;
}

bool settings_wants_forwarding(const struct settings *s)
{
	return !s->userspace &&
	       (*s->dest_ip != '\0' || *s->dest_dns_name != '\0' || *s->tailnet_target_ip != '\0' ||
		       *s->tailnet_target_fqdn != '\0' || s->routes.is_set);
}

bool settings_may_use_stored_authkey(const struct settings *s)
{
	return !secret_is_set(&s->authkey) && *s->client_id == '\0' &&
	       !secret_is_set(&s->client_secret) && !settings_is_one_step(s);
}

char *settings_path(const struct settings *s, const char *absolute_path)
{
	size_t len = strlen(s->test_root);
	while (len > 0 && s->test_root[len - 1] == '/')
		len--;
	return xasprintf("%.*s%s", (int)len, s->test_root, absolute_path);
}

char *settings_account_dir(const struct settings *s)
{
	return settings_path(s, ACCOUNT_DIR);
}
