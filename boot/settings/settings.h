/*
 * The environment as one immutable snapshot. settings_table.c has one row for each variable (name,
 * parse rule, default, meaning, since, whether secret, when a change takes effect); it is the
 * source of this struct's values, of `tailboot --help` and of docs/settings.md. settings_check.c
 * rejects combinations.
 *
 * Modules hold a borrowed snapshot and keep no copies of values. A later snapshot has a higher
 * generation.
 */
#ifndef BOOT_SETTINGS_SETTINGS_H
#define BOOT_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"

/* A text with three states: unset, empty, value. Empty is meaningful. */
struct opt_text {
	bool is_set;
	char *text; /* "" when not set; never NULL */
};

enum opt_bool {
	OPT_BOOL_UNSET,
	OPT_BOOL_FALSE,
	OPT_BOOL_TRUE,
};

enum cert_share {
	CERT_SHARE_OFF,
	CERT_SHARE_READ_ONLY,
	CERT_SHARE_READ_WRITE,
};

/* All char pointers are owned and never NULL: "" stands for none. Names are those of the variables.
 */
struct settings {
	uint64_t generation;

	/* login */
	struct secret authkey; /* TS_AUTHKEY, else TS_AUTH_KEY */
	char *client_id;
	struct secret client_secret;
	struct secret id_token;
	char *audience;
	char *hostname;
	struct opt_text routes;
	enum opt_bool accept_dns; /* after --accept-dns was removed from TS_EXTRA_ARGS */
	char *extra_args;         /* after --accept-dns was removed */
	bool auth_once;

	/* daemon */
	char *tailscaled_extra_args;
	bool userspace;
	char *state_dir;
	char *socks5_server;
	char *outbound_http_proxy_listen;
	char *socket;
	char *config_dir;  /* TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR */
	char *config_path; /* chosen cap-N.hujson of it, "" without one-step mode */
	char *debug_addr_port;
	bool forwarding_optimizations;
	char *debug_firewall_mode;
	char *ca_file; /* TAILBOOT_CA_FILE */
	char *ssl_cert_file;

	/* Kubernetes */
	bool in_kubernetes;
	char *kube_secret; /* "" = no Kubernetes store and no client */
	char *kubernetes_service_host;
	char *kubernetes_service_port_https;
	bool kube_address_from_env;
	char *pod_ip;
	struct opt_text pod_ips;
	char *pod_ipv4; /* of POD_IPS */
	char *pod_ipv6;
	char *pod_uid;
	char *pod_name;

	/* data path */
	char *dest_ip;
	char *dest_dns_name;
	char *tailnet_target_ip;
	char *tailnet_target_fqdn;
	bool proxy_cluster_traffic_via_ingress;
	char *egress_proxies_config_path;
	char *ingress_proxies_config_path;

	/* serve, certificates, advertisement */
	char *serve_config;
	bool wants_cert_share;
	enum cert_share cert_share; /* of the previous and pod_name */
	bool service_auto_advertisement;

	/* HTTP */
	char *local_addr_port;
	bool enable_metrics;
	bool enable_health_check;
	char *healthcheck_addr_port; /* deprecated */

	/* time and numbers; the texts are "" unless the variable is set */
	char *boot_timeout_text;
	uint64_t boot_timeout_ms; /* 0 expires at once */
	char *stop_budget_text;
	uint64_t stop_budget_ms;
	char *restart_limit_text;
	uint32_t restart_limit;
	char *restart_window_text;
	uint64_t restart_window_ms;
	char *daemon_start_timeout_text;
	uint64_t daemon_start_timeout_ms;
	char *daemon_mute_timeout_text;
	uint64_t daemon_mute_timeout_ms;
	char *registration_interval_text;
	uint64_t registration_interval_ms;

	/* tests and reports */
	char *termination_log;
	char *test_root; /* "/" in production */
	enum opt_bool test_fast_wanted;
	enum opt_bool test_ask_version_wanted;
	bool asks_version; /* `tailscale version` is asked for the capability version */
	bool test_fast;    /* shortened retry and drain intervals */
	bool test_fake_netfilter;
	bool test_fake_netfilter_6;
};

/* Derived predicates. */
bool settings_is_one_step(const struct settings *s); /* logs in from a configuration file */
bool settings_is_two_step_once(const struct settings *s);
bool settings_is_l3_proxy(const struct settings *s); /* needs the firewall */
/* Name of the first variable that makes this an L3 proxy, NULL when none does. */
const char *settings_l3_setting(const struct settings *s);
bool settings_wants_forwarding(const struct settings *s);
/* The auth key may come from the state Secret: only without any other way to log in. */
bool settings_may_use_stored_authkey(const struct settings *s);
/* Absolute path below the test root: caller frees. */
char *settings_path(const struct settings *s, const char *absolute_path);
/* Folder with the files of the Pod's service account: caller frees. */
char *settings_account_dir(const struct settings *s);

/* For --help and docs (settings_describe.c): appends the table as text or as Markdown. */
int settings_describe(struct buf *out, bool markdown, struct err *e) MUST_CHECK;

#endif
