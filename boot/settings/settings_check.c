#include "boot/settings/settings_check.h"

#include <errno.h>
#include <stdbool.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_table.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SHOWN_MAX 256 /* bytes of a rejected value in a sentence */

int settings_check_pod_ips(const struct settings *s, struct ipaddr out[static SETTINGS_POD_IPS_MAX],
	size_t *count, struct err *e)
{
	*count = 0;
	if (!s->pod_ips.is_set)
		return 0;
	AUTO(strv_fini) struct strv parts = {0};
	str_split(s->pod_ips.text, ',', &parts);
	if (parts.len > SETTINGS_POD_IPS_MAX) {
		AUTO(mem_free) char *all = strv_join(&parts, " ");
		return err_set(e, -EINVAL, "POD_IPs can contain at most %d IPs, got %zu ([%.*s])",
			SETTINGS_POD_IPS_MAX, parts.len, SHOWN_MAX, all);
	}
	for (size_t i = 0; i < parts.len; i++) {
		if (ipaddr_parse(parts.items[i], &out[i], e) < 0)
			return err_wrap(
				e, "error parsing IP address %.*s", SHOWN_MAX, parts.items[i]);
	}
	*count = parts.len;
	return 0;
}

static bool is_empty(const char *text)
{
	return *text == '\0';
}

static bool is_userspace_with_dest_ip(const struct settings *s)
{
	return !is_empty(s->dest_ip) && s->userspace;
}

static bool is_userspace_with_dest_name(const struct settings *s)
{
	return !is_empty(s->dest_dns_name) && s->userspace;
}

static bool has_two_destinations(const struct settings *s)
{
	return !is_empty(s->dest_dns_name) && !is_empty(s->dest_ip);
}

static bool is_userspace_with_target_ip(const struct settings *s)
{
	return !is_empty(s->tailnet_target_ip) && s->userspace;
}

static bool is_userspace_with_target_fqdn(const struct settings *s)
{
	return !is_empty(s->tailnet_target_fqdn) && s->userspace;
}

static bool has_two_targets(const struct settings *s)
{
	return !is_empty(s->tailnet_target_fqdn) && !is_empty(s->tailnet_target_ip);
}

/* The members are those of the rows with SETTINGS_CONFIG_CONFLICT; a unit test compares the two. */
static bool has_config_conflict(const struct settings *s)
{
	return settings_is_one_step(s) &&
	       (s->accept_dns != OPT_BOOL_UNSET || secret_is_set(&s->authkey) || s->routes.is_set ||
		       !is_empty(s->extra_args) || !is_empty(s->hostname) ||
		       !is_empty(s->client_id) || secret_is_set(&s->client_secret) ||
		       secret_is_set(&s->id_token) || !is_empty(s->audience));
}

static bool has_token_without_client(const struct settings *s)
{
	return secret_is_set(&s->id_token) && is_empty(s->client_id);
}

static bool has_audience_without_client(const struct settings *s)
{
	return !is_empty(s->audience) && is_empty(s->client_id);
}

static bool has_token_and_client_secret(const struct settings *s)
{
	return secret_is_set(&s->id_token) && secret_is_set(&s->client_secret);
}

static bool has_token_and_audience(const struct settings *s)
{
	return secret_is_set(&s->id_token) && !is_empty(s->audience);
}

static bool has_audience_and_client_secret(const struct settings *s)
{
	return !is_empty(s->audience) && secret_is_set(&s->client_secret);
}

static bool has_authkey_and_another_way(const struct settings *s)
{
	return secret_is_set(&s->authkey) &&
	       (!is_empty(s->client_id) || secret_is_set(&s->client_secret) ||
		       secret_is_set(&s->id_token) || !is_empty(s->audience));
}

static bool is_userspace_with_cluster_traffic(const struct settings *s)
{
	return s->proxy_cluster_traffic_via_ingress && s->userspace;
}

static bool has_cluster_traffic_without_serve(const struct settings *s)
{
	return s->proxy_cluster_traffic_via_ingress && is_empty(s->serve_config);
}

static bool has_cluster_traffic_without_pod_ip(const struct settings *s)
{
	return s->proxy_cluster_traffic_via_ingress && is_empty(s->pod_ip);
}

static bool is_userspace_with_optimizations(const struct settings *s)
{
	return s->forwarding_optimizations && s->userspace;
}

struct check_rule {
	bool (*is_broken)(const struct settings *s);
	const char *text;
};

#define CLUSTER_TRAFFIC "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS"

static const struct check_rule mode_rules[] = {
	{is_userspace_with_dest_ip, "TS_DEST_IP is not supported with TS_USERSPACE"},
	{is_userspace_with_dest_name,
		"TS_EXPERIMENTAL_DEST_DNS_NAME is not supported with TS_USERSPACE"},
	{has_two_destinations, "TS_EXPERIMENTAL_DEST_DNS_NAME and TS_DEST_IP cannot both be set"},
	{is_userspace_with_target_ip, "TS_TAILNET_TARGET_IP is not supported with TS_USERSPACE"},
	{is_userspace_with_target_fqdn,
		"TS_TAILNET_TARGET_FQDN is not supported with TS_USERSPACE"},
	{has_two_targets, "Both TS_TAILNET_TARGET_IP and TS_TAILNET_FQDN cannot be set"},
	{has_config_conflict,
		"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR cannot be set in combination with "
		"TS_HOSTNAME, "
		"TS_EXTRA_ARGS, TS_AUTHKEY, TS_ROUTES, TS_ACCEPT_DNS, TS_CLIENT_ID, "
		"TS_CLIENT_SECRET, TS_ID_TOKEN, TS_AUDIENCE."},
	{has_token_without_client, "TS_ID_TOKEN is set but TS_CLIENT_ID is not set"},
	{has_audience_without_client, "TS_AUDIENCE is set but TS_CLIENT_ID is not set"},
	{has_token_and_client_secret, "TS_ID_TOKEN and TS_CLIENT_SECRET cannot both be set"},
	{has_token_and_audience, "TS_ID_TOKEN and TS_AUDIENCE cannot both be set"},
	{has_audience_and_client_secret, "TS_AUDIENCE and TS_CLIENT_SECRET cannot both be set"},
	{has_authkey_and_another_way,
		"TS_AUTHKEY cannot be used with TS_CLIENT_ID, TS_CLIENT_SECRET, TS_ID_TOKEN, or "
		"TS_AUDIENCE."},
	{is_userspace_with_cluster_traffic, CLUSTER_TRAFFIC " is not supported in userspace mode"},
	{has_cluster_traffic_without_serve,
		CLUSTER_TRAFFIC " is set but this is not a cluster ingress proxy"},
	{has_cluster_traffic_without_pod_ip, CLUSTER_TRAFFIC " is set but POD_IP is not set"},
	{is_userspace_with_optimizations,
		"TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS is not supported in userspace "
		"mode"},
};

static bool has_two_health_listeners(const struct settings *s)
{
	return s->enable_health_check && !is_empty(s->healthcheck_addr_port);
}

/* Where the status of services is published: the Secret, or the state directory without one. */
static bool has_status_place(const struct settings *s)
{
	return is_empty(s->kube_secret) ? !is_empty(s->state_dir) : s->in_kubernetes;
}

static bool has_egress_without_status(const struct settings *s)
{
	return !is_empty(s->egress_proxies_config_path) && !has_status_place(s);
}

static bool has_ingress_without_status(const struct settings *s)
{
	return !is_empty(s->ingress_proxies_config_path) && !has_status_place(s);
}

static const struct check_rule place_rules[] = {
	{has_two_health_listeners,
		"TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0, use "
		"TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT"},
	{has_egress_without_status,
		"TS_EGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on "
		"Kubernetes"},
	{has_ingress_without_status,
		"TS_INGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on "
		"Kubernetes"},
};

static int run_rules(
	const struct settings *s, const struct check_rule *rules, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (rules[i].is_broken(s))
			return err_set(e, -EINVAL, "%s", rules[i].text);
	}
	return 0;
}

int settings_check_modes(const struct settings *s, struct err *e)
{
	return run_rules(s, mode_rules, ARRAY_LEN(mode_rules), e);
}

static int wrap_value(const char *name, const char *value, struct err *e)
{
	char shown[SHOWN_MAX];
	gotext_quote(value, shown, sizeof(shown));
	return err_wrap(e, "error parsing %s value %s", name, shown);
}

static int check_addrport(const char *name, const char *value, struct err *e)
{
	struct addrport unused;
	if (addrport_parse(value, &unused, e) == 0)
		return 0;
	return wrap_value(name, value, e);
}

static int check_addresses(const struct settings *s, struct err *e)
{
	if (!is_empty(s->healthcheck_addr_port) &&
		check_addrport("TS_HEALTHCHECK_ADDR_PORT", s->healthcheck_addr_port, e) < 0)
		return e->code;
	bool listens = s->enable_metrics || s->enable_health_check ||
		       !is_empty(s->egress_proxies_config_path);
	if (listens && check_addrport("TS_LOCAL_ADDR_PORT", s->local_addr_port, e) < 0)
		return e->code;
	if (!is_empty(s->debug_addr_port) &&
		check_addrport("TS_DEBUG_ADDR_PORT", s->debug_addr_port, e) < 0)
		return e->code;
	return 0;
}

static int check_duration(const struct settings_row *row, const char *text, struct err *e)
{
	int64_t ns;
	if (gotext_duration(text, &ns, e) < 0)
		return wrap_value(row->name, text, e);
	if ((row->flags & SETTINGS_MUST_BE_POSITIVE) != 0 && ns <= 0) {
		err_set(e, -EINVAL, "must be more than 0");
		return wrap_value(row->name, text, e);
	}
	return 0;
}

static int check_count(const struct settings_row *row, const char *text, struct err *e)
{
	uint64_t unused;
	if (str_to_u64(text, UINT32_MAX, &unused, e) < 0)
		return wrap_value(row->name, text, e);
	return 0;
}

static int check_numbers(const struct settings *s, struct err *e)
{
	for (size_t i = 0; i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];
		if (row->rule != SETTINGS_DURATION && row->rule != SETTINGS_COUNT)
			continue;
		const char *text = *(char *const *)((const char *)s + row->text_offset);
		if (is_empty(text))
			continue;
		int code = row->rule == SETTINGS_DURATION ? check_duration(row, text, e)
							  : check_count(row, text, e);
		if (code < 0)
			return code;
	}
	return 0;
}

int settings_check_values(const struct settings *s, struct err *e)
{
	if (check_addresses(s, e) < 0)
		return e->code;
	if (run_rules(s, place_rules, ARRAY_LEN(place_rules), e) < 0)
		return e->code;
	return check_numbers(s, e);
}
