#include "boot/settings/settings_table.h"

#include "boot/settings/settings.h"
#include "lib/base/mem.h"

#define AT(member) .offset = offsetof(struct settings, member)
#define TEXT_AT(member) .text_offset = offsetof(struct settings, member)

/* clang-format off */
const struct settings_row settings_table[] = {
	/* login */
	{"TS_AUTHKEY", "TS_AUTH_KEY", SETTINGS_SECRET, SETTINGS_GROUP_LOGIN, SETTINGS_AT_BOOT,
		.sources = SETTINGS_FROM_STATE_SECRET, .flags = SETTINGS_CONFIG_CONFLICT, .since = "1.36",
		.meaning = "Auth key, passed to `tailscale up` as `--authkey=`. `file:PATH` is passed "
			"through, the CLI reads the file. When empty, the key `authkey` of the state "
			"Secret is used.",
		AT(authkey)},
	{"TS_AUTH_KEY", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_DEPRECATED, .since = "1.34",
		.meaning = "Old spelling, used when `TS_AUTHKEY` is empty or unset."},
	{"TS_CLIENT_ID", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.94",
		.meaning = "OAuth or workload identity client, passed as `--client-id=`.", AT(client_id)},
	{"TS_CLIENT_SECRET", .rule = SETTINGS_SECRET, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.94",
		.meaning = "OAuth client secret, passed as `--client-secret=`; `file:PATH` is passed through.",
		AT(client_secret)},
	{"TS_ID_TOKEN", .rule = SETTINGS_SECRET, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.94",
		.meaning = "Workload identity token, passed as `--id-token=`; `file:PATH` is passed "
			"through. Needs `TS_CLIENT_ID`.",
		AT(id_token)},
	{"TS_AUDIENCE", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.94",
		.meaning = "Audience of a workload identity token, passed as `--audience=`. Needs "
			"`TS_CLIENT_ID`.",
		AT(audience)},
	{"TS_HOSTNAME", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_LOGIN, .effect = SETTINGS_LIVE,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.38",
		.meaning = "Name of the node, passed as `--hostname=`.", AT(hostname)},
	{"TS_ROUTES", .rule = SETTINGS_OPT_TEXT, .group = SETTINGS_GROUP_LOGIN, .effect = SETTINGS_LIVE,
		.flags = SETTINGS_CONFIG_CONFLICT, .fallback_text = "not sent", .since = "1.34",
		.meaning = "Subnet routes to advertise, between commas, passed as `--advertise-routes=`. "
			"Set but empty withdraws all routes. In kernel mode the forwarding sysctls of "
			"the families in the list are switched on.",
		AT(routes)},
	{"TS_ACCEPT_DNS", .rule = SETTINGS_OPT_BOOL, .group = SETTINGS_GROUP_LOGIN, .effect = SETTINGS_LIVE,
		.flags = SETTINGS_CONFIG_CONFLICT, .fallback_text = "false", .since = "1.34",
		.meaning = "Whether the node takes DNS settings from the tailnet, passed as "
			"`--accept-dns=`. `--accept-dns` in `TS_EXTRA_ARGS` goes before.",
		AT(accept_dns)},
	{"TS_EXTRA_ARGS", .rule = SETTINGS_WORDS, .group = SETTINGS_GROUP_LOGIN,
		.flags = SETTINGS_CONFIG_CONFLICT, .since = "1.34",
		.meaning = "More arguments of `tailscale up`, appended last. No quoting.", AT(extra_args)},
	{"TS_AUTH_ONCE", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_LOGIN, .fallback = "false",
		.since = "1.34",
		.meaning = "Log in only when the node is not logged in yet, and apply settings by "
			"`tailscale set` at every start. Otherwise `tailscale up` runs at every start.",
		AT(auth_once)},

	/* daemon */
	{"TS_USERSPACE", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .fallback = "true", .since = "1.34",
		.meaning = "Userspace networking; false needs `/dev/net/tun` and the capability NET_ADMIN.",
		AT(userspace)},
	{"TS_STATE_DIR", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.34",
		.meaning = "Folder for the state of tailscaled, passed as `--statedir=`. Without a state "
			"Secret it replaces the state in memory, and what would be published in the "
			"Secret is kept in its sub-folder `published`.",
		AT(state_dir)},
	{"TS_SOCKET", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .fallback = "/tmp/tailscaled.sock", .since = "1.34",
		.meaning = "Socket of tailscaled's LocalAPI; `/var/run/tailscale/tailscaled.sock` becomes a "
			"link to it.",
		AT(socket)},
	{"TS_SOCKS5_SERVER", .rule = SETTINGS_ADDRPORT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.34",
		.meaning = "Address of a SOCKS5 proxy into the tailnet, passed as `--socks5-server=`.",
		AT(socks5_server)},
	{"TS_OUTBOUND_HTTP_PROXY_LISTEN", .rule = SETTINGS_ADDRPORT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.34",
		.meaning = "Address of an HTTP proxy into the tailnet, passed as "
			"`--outbound-http-proxy-listen=`.",
		AT(outbound_http_proxy_listen)},
	{"TS_TAILSCALED_EXTRA_ARGS", .rule = SETTINGS_WORDS, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.34",
		.meaning = "More arguments of tailscaled, appended last. No quoting.",
		AT(tailscaled_extra_args)},
	{"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.68",
		.meaning = "Folder of `cap-N.hujson` files. tailscaled logs in and is configured from the "
			"one with the greatest N that it understands; `tailscale up` never runs.",
		AT(config_dir)},
	{"TS_DEBUG_ADDR_PORT", .rule = SETTINGS_ADDRPORT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "1.78",
		.meaning = "Address of tailscaled's debug server, passed as `--debug=` unless it occurs in "
			"`TS_TAILSCALED_EXTRA_ARGS`; also the target of `/debug/`.",
		AT(debug_addr_port)},
	{"TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS", .rule = SETTINGS_BOOL,
		.group = SETTINGS_GROUP_DAEMON, .fallback = "false", .since = "1.68",
		.meaning = "Ask tailscaled to enable UDP GRO forwarding. Kernel mode only.",
		AT(forwarding_optimizations)},
	{"TS_DEBUG_FIREWALL_MODE", .rule = SETTINGS_CHOICE, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .choices = "auto iptables nftables", .since = "1.48",
		.meaning = "Firewall back-end of tailscaled; the data path is nftables.", AT(debug_firewall_mode)},
	{"TAILBOOT_CA_FILE", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_DAEMON,
		.effect = SETTINGS_DAEMON_RESTART, .since = "tailboot 0.1",
		.meaning = "File with the certificates (PEM) of private authorities, for example that of "
			"Headscale's certificate. They are added to those of the system (`SSL_CERT_FILE`, "
			"else its bundle) for tailscaled and `tailscale`. The file is watched: tailscaled "
			"trusts a new certificate from its next start on, and is started again when it "
			"does not trust the control server.",
		AT(ca_file)},

	/* Kubernetes */
	{"KUBERNETES_SERVICE_HOST", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_KUBERNETES,
		.since = "1.34",
		.meaning = "Set by Kubernetes in every container; not empty means \"in Kubernetes\".",
		AT(kubernetes_service_host)},
	{"KUBERNETES_SERVICE_PORT_HTTPS", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_KUBERNETES,
		.since = "1.34",
		.meaning = "Set by Kubernetes; used with the previous one when the address of the API "
			"server is taken from the environment.",
		AT(kubernetes_service_port_https)},
	{"TS_KUBE_SECRET", .rule = SETTINGS_KUBE_SECRET, .group = SETTINGS_GROUP_KUBERNETES,
		.effect = SETTINGS_DAEMON_RESTART,
		.fallback_text = "`tailscale` in Kubernetes, none outside", .since = "1.34",
		.meaning = "Secret that holds the state of the node and what is published about it. Set "
			"but empty in Kubernetes means no Secret and no API client.",
		AT(kube_secret)},
	{"TS_KUBERNETES_READ_API_SERVER_ADDRESS_FROM_ENV", .rule = SETTINGS_EXACT_TRUE,
		.group = SETTINGS_GROUP_KUBERNETES, .fallback = "false", .since = "1.68",
		.meaning = "Take the address of the API server from the two variables of Kubernetes "
			"instead of `https://kubernetes.default.svc`. Only `true` counts.",
		AT(kube_address_from_env)},
	{"POD_IP", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_KUBERNETES, .since = "1.60",
		.meaning = "Address of the Pod, for "
			"`EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS`.",
		AT(pod_ip)},
	{"POD_IPS", .rule = SETTINGS_OPT_TEXT, .group = SETTINGS_GROUP_KUBERNETES,
		.fallback_text = "none", .since = "1.76",
		.meaning = "Addresses of the Pod, at most two, between commas without blanks. Set but "
			"empty is an error.",
		AT(pod_ips)},
	{"POD_UID", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_KUBERNETES, .since = "1.78",
		.meaning = "UID of the Pod, published in the state Secret.", AT(pod_uid)},
	{"POD_NAME", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_KUBERNETES, .since = "1.78",
		.meaning = "Name of the Pod; one that ends in `-0` is the writer of shared certificates.",
		AT(pod_name)},

	/* proxy */
	{"TS_DEST_IP", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY, .since = "1.34",
		.meaning = "Forward all that reaches the node's tailnet addresses to this address. Kernel "
			"mode only.",
		AT(dest_ip)},
	{"TS_EXPERIMENTAL_DEST_DNS_NAME", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY,
		.since = "1.66",
		.meaning = "The same for a DNS name, resolved again from time to time. Kernel mode only.",
		AT(dest_dns_name)},
	{"TS_TAILNET_TARGET_IP", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY, .since = "1.50",
		.meaning = "Forward all that reaches the container to this tailnet address. Kernel mode "
			"only.",
		AT(tailnet_target_ip)},
	{"TS_TAILNET_TARGET_FQDN", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY, .since = "1.56",
		.meaning = "The same for the full name of a peer, a Tailscale Service (1.94) or a 4via6 "
			"name (1.102). Kernel mode only.",
		AT(tailnet_target_fqdn)},
	{"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS", .rule = SETTINGS_BOOL,
		.group = SETTINGS_GROUP_PROXY, .fallback = "false", .since = "1.60",
		.meaning = "Forward traffic for `POD_IP`, and for the other family's address of "
			"`POD_IPS`, to the node's tailnet address. Kernel mode only; needs "
			"`TS_SERVE_CONFIG`. tailscaled gets `TS_SERVE_ALLOW_ALL_INTERFACES=true`.",
		AT(proxy_cluster_traffic_via_ingress)},
	{"TS_EGRESS_PROXIES_CONFIG_PATH", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY,
		.since = "1.80",
		.meaning = "Folder with `egress-services` and `hep-pings`: many egress targets in one "
			"proxy. Needs `TS_KUBE_SECRET` in Kubernetes, `TS_STATE_DIR` elsewhere.",
		AT(egress_proxies_config_path)},
	{"TS_EGRESS_SERVICES_CONFIG_PATH", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_PROXY,
		.flags = SETTINGS_IGNORED, .since = "1.76 to 1.79",
		.meaning = "Old name of the previous one; the operator still sets it."},
	{"TS_INGRESS_PROXIES_CONFIG_PATH", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_PROXY,
		.since = "1.84",
		.meaning = "File with the configuration of ingress services. Needs `TS_KUBE_SECRET` in "
			"Kubernetes, `TS_STATE_DIR` elsewhere.",
		AT(ingress_proxies_config_path)},

	/* serve */
	{"TS_SERVE_CONFIG", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_SERVE, .since = "1.50",
		.meaning = "Path of a serve configuration in JSON, or of a file in the services format "
			"(`\"version\": \"0.0.1\"`). It is watched and applied when it "
			"changes; `${TS_CERT_DOMAIN}` in it becomes the node's domain.",
		AT(serve_config)},
	{"TS_EXPERIMENTAL_CERT_SHARE", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_SERVE,
		.effect = SETTINGS_DAEMON_RESTART, .fallback = "false", .since = "1.82",
		.meaning = "Replicas share certificates: the Pod whose name ends in `-0` writes, the "
			"others read. tailscaled gets `TS_CERT_SHARE_MODE=rw` or `ro`.",
		AT(wants_cert_share)},
	{"TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT", .rule = SETTINGS_BOOL,
		.group = SETTINGS_GROUP_SERVE, .fallback = "true", .since = "1.96",
		.meaning = "Advertise the Services found in the serve configuration.",
		AT(service_auto_advertisement)},

	/* HTTP */
	{"TS_LOCAL_ADDR_PORT", .rule = SETTINGS_ADDRPORT, .group = SETTINGS_GROUP_HTTP,
		.fallback = "[::]:9002", .since = "1.78",
		.meaning = "Listener for `/metrics`, `/debug/`, `/healthz` and the pre-stop hook. An "
			"IPv6 address may stand without brackets, here and in the other addresses.",
		AT(local_addr_port)},
	{"TS_ENABLE_METRICS", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_HTTP, .fallback = "false",
		.since = "1.78", .meaning = "Serve `/metrics` and `/debug/`.", AT(enable_metrics)},
	{"TS_ENABLE_HEALTH_CHECK", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_HTTP,
		.fallback = "false", .since = "1.78", .meaning = "Serve `/healthz`, `/livez` and `/readyz`.",
		AT(enable_health_check)},
	{"TS_HEALTHCHECK_ADDR_PORT", .rule = SETTINGS_ADDRPORT, .group = SETTINGS_GROUP_HTTP,
		.flags = SETTINGS_DEPRECATED, .since = "1.72",
		.meaning = "A listener of its own for `/healthz`, `/livez` and `/readyz`.", AT(healthcheck_addr_port)},

	/* supervisor */
	{"TS_BOOT_TIMEOUT", .rule = SETTINGS_DURATION, .group = SETTINGS_GROUP_SUPERVISOR,
		.fallback = "60s", .since = "1.102.3",
		.meaning = "Time until the first start-up must be complete. 0 or less expires at once.",
		AT(boot_timeout_ms), TEXT_AT(boot_timeout_text)},
	{"TAILBOOT_STOP_BUDGET", .rule = SETTINGS_DURATION, .group = SETTINGS_GROUP_SUPERVISOR,
		.effect = SETTINGS_LIVE, .flags = SETTINGS_MUST_BE_POSITIVE, .fallback = "25s",
		.since = "tailboot 0.1",
		.meaning = "Time for everything that a stop takes. Keep it below the grace period of what "
			"sends SIGTERM: 30 s in Kubernetes, 10 s in Docker.",
		AT(stop_budget_ms), TEXT_AT(stop_budget_text)},
	{"TAILBOOT_RESTART_LIMIT", .rule = SETTINGS_COUNT, .group = SETTINGS_GROUP_SUPERVISOR,
		.effect = SETTINGS_LIVE, .fallback = "10", .since = "tailboot 0.1",
		.meaning = "How often tailscaled may end on its own within `TAILBOOT_RESTART_WINDOW` before "
			"the supervisor gives up and exits. 0 gives up at the first time.",
		AT(restart_limit), TEXT_AT(restart_limit_text)},
	{"TAILBOOT_RESTART_WINDOW", .rule = SETTINGS_DURATION, .group = SETTINGS_GROUP_SUPERVISOR,
		.effect = SETTINGS_LIVE, .flags = SETTINGS_MUST_BE_POSITIVE, .fallback = "10m",
		.since = "tailboot 0.1", .meaning = "See `TAILBOOT_RESTART_LIMIT`.",
		AT(restart_window_ms), TEXT_AT(restart_window_text)},
	{"TAILBOOT_DAEMON_START_TIMEOUT", .rule = SETTINGS_DURATION, .group = SETTINGS_GROUP_SUPERVISOR,
		.effect = SETTINGS_LIVE, .flags = SETTINGS_MUST_BE_POSITIVE, .fallback = "30s",
		.since = "tailboot 0.1",
		.meaning = "Time for tailscaled to make its socket ready when it is started again. After it "
			"the daemon is killed, which counts as a crash. The first start has "
			"`TS_BOOT_TIMEOUT`.",
		AT(daemon_start_timeout_ms), TEXT_AT(daemon_start_timeout_text)},
	{"TAILBOOT_DAEMON_MUTE_TIMEOUT", .rule = SETTINGS_DURATION, .group = SETTINGS_GROUP_SUPERVISOR,
		.effect = SETTINGS_LIVE, .flags = SETTINGS_MUST_BE_POSITIVE, .fallback = "60s",
		.since = "tailboot 0.1",
		.meaning = "How long tailscaled may run without answering before it is started again. That "
			"counts as no crash. It is asked every 10 s, and two answers must be missing.",
		AT(daemon_mute_timeout_ms), TEXT_AT(daemon_mute_timeout_text)},
	{"TAILBOOT_REGISTRATION_INTERVAL", .rule = SETTINGS_DURATION,
		.group = SETTINGS_GROUP_SUPERVISOR, .effect = SETTINGS_LIVE, .fallback = "40s",
		.since = "tailboot 0.1",
		.meaning = "How often a control server other than Tailscale's own is asked whether it "
			"still knows the node, by an update of it: Headscale does not notify a node "
			"that it was deleted. 0 never asks.",
		AT(registration_interval_ms), TEXT_AT(registration_interval_text)},
	{"TAILBOOT_TERMINATION_LOG", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_SUPERVISOR,
		.fallback = "/dev/termination-log", .since = "tailboot 0.1",
		.meaning = "File that receives the reason of a fatal end, if it exists; Kubernetes shows "
			"it in the status of the container.",
		AT(termination_log)},
	{"NOTIFY_SOCKET", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_SUPERVISOR,
		.since = "tailboot 0.1",
		.meaning = "Set by systemd for services of type notify: the supervisor reports readiness, "
			"status and stopping there. Not passed on to the children."},

	/* tests */
	{"TS_TEST_ONLY_ROOT", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_TEST, .fallback = "/",
		.since = "1.34",
		.meaning = "Prefix of `/dev/net/tun`, the forwarding sysctls, the service account and the "
			"system's bundle of certificates. Any other value than `/` also takes the address of the API server from the "
			"environment.",
		AT(test_root)},
	{"TS_TEST_FAKE_NETFILTER", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_TEST,
		.fallback = "false", .since = "1.52", .meaning = "A firewall in memory.",
		AT(test_fake_netfilter)},
	{"TS_TEST_FAKE_NETFILTER_6", .rule = SETTINGS_BOOL, .group = SETTINGS_GROUP_TEST,
		.fallback = "true", .since = "1.70",
		.meaning = "Whether the firewall in memory claims NAT for IPv6.", AT(test_fake_netfilter_6)},
	{"TAILBOOT_TEST_FAST", .rule = SETTINGS_OPT_BOOL, .group = SETTINGS_GROUP_TEST,
		.fallback_text = "true when `TS_TEST_ONLY_ROOT` is not `/`", .since = "tailboot 0.1",
		.meaning = "Shortens the intervals of retries and of draining.", AT(test_fast_wanted)},

	{"TAILBOOT_TEST_ASK_VERSION", .rule = SETTINGS_OPT_BOOL, .group = SETTINGS_GROUP_TEST,
		.fallback_text = "true when `TS_TEST_ONLY_ROOT` is `/`", .since = "tailboot 0.1",
		.meaning = "Asks `tailscale version` for the capability version; else the one of the build "
			"counts until tailscaled has reported its own.",
		AT(test_ask_version_wanted)},

	/* children */
	{"SSL_CERT_FILE", .rule = SETTINGS_TEXT, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "File that tailscaled and `tailscale` read instead of the system's bundle of "
			"certificates. With `TAILBOOT_CA_FILE` they get the merged one.",
		AT(ssl_cert_file)},
	{"PORT", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "UDP port of tailscaled. When it is not set, the supervisor takes a free one "
			"and hands it to every start of the daemon, so that peers find it again at once after "
			"a restart."},
	{"TS_CERT_SHARE_MODE", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Set for tailscaled by the supervisor, see `TS_EXPERIMENTAL_CERT_SHARE`."},
	{"TS_SERVE_ALLOW_ALL_INTERFACES", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.since = "1.104",
		.meaning = "tailscaled serves on all interfaces, not on the tunnel alone. Set by the "
			"supervisor, unless it is set already, with "
			"`EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS`."},
	{"TS_DISABLE_FEATURE", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.since = "1.104",
		.meaning = "Features that tailscaled starts without, between commas."},
	{"TS_INTERNAL_APP", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "What kind of proxy this is, reported by tailscaled."},
	{"TS_DEBUG_ACME_FORCE_RENEWAL", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "How tailscaled renews certificates."},
	{"TS_DEBUG_ACME_DIRECTORY_URL", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Which certificate authority tailscaled asks."},
	{"TS_ACME_ACCOUNT_SECRET_NAME", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Secret with a shared ACME account, used by the replica that writes "
			"certificates; see `TS_EXPERIMENTAL_CERT_SHARE`."},
	{"TS_ACME_ACCOUNT_FIELD", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Key in that Secret; needed with it."},
	{"TS_NO_LOGS_NO_SUPPORT", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "tailscaled sends no logs to Tailscale."},
	{"TS_STATE", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Set by the operator; means nothing here, see `TS_KUBE_SECRET`."},
	{"HTTP_PROXY", .rule = SETTINGS_NOT_READ, .group = SETTINGS_GROUP_CHILDREN,
		.meaning = "Proxy of tailscaled for HTTP, like `HTTPS_PROXY` and `NO_PROXY`."},
};
/* clang-format on */

const size_t settings_table_len = ARRAY_LEN(settings_table);
