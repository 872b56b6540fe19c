#include "controller/settings/settings.h"
#include "lib/base/mem.h"

#define AT(member) .offset = offsetof(struct settings, member)

/* clang-format off */
const struct settings_row settings_rows[] = {
	{"proxy-image", "PROXY_IMAGE", .rule = SETTINGS_TEXT, .fallback = "",
		.meaning = "Image of the proxies, unless a group's `spec.template.container.image` names another. Required.",
		AT(proxy_image)},
	{"namespace", "NAMESPACE", "POD_NAMESPACE", SETTINGS_TEXT, .fallback = "",
		.fallback_text = "that of the Pod",
		.meaning = "Namespace in which the controller keeps the objects that it makes, and its Lease.",
		AT(ns)},
	{"default-tailnet", "DEFAULT_TAILNET", .rule = SETTINGS_TEXT, .fallback = "default",
		.meaning = "The TailscaleTailnet of groups that name none.", AT(default_tailnet)},
	{"cluster-domain", "CLUSTER_DOMAIN", .rule = SETTINGS_TEXT, .fallback = "",
		.fallback_text = "from `/etc/resolv.conf`, else `cluster.local`",
		.meaning = "Domain of the cluster's Services.", AT(cluster_domain)},
	{"firewall-mode", "FIREWALL_MODE", .rule = SETTINGS_CHOICE, .fallback = "",
		.choices = "auto nftables iptables",
		.meaning = "Passed to proxies in kernel mode as `TS_DEBUG_FIREWALL_MODE`. Without it they choose.",
		AT(firewall_mode)},
	{"leave-external-name", "LEAVE_EXTERNAL_NAME", .rule = SETTINGS_BOOL, .fallback = "false",
		.meaning = "Leave `spec.externalName` of egress Services alone, for tools that put it back. "
			"The name to use is in the message of the condition `TailscaleEgressSvcConfigured`.",
		AT(leave_external_name)},
	{"finalizer-timeout", "FINALIZER_TIMEOUT", .rule = SETTINGS_DURATION, .fallback = "5m",
		.meaning = "How long the deletion of an object waits for a control plane that does not answer. "
			"After that the devices that are left are named in an Event.",
		AT(finalizer_timeout_ms)},
	{"leader-elect", "LEADER_ELECT", .rule = SETTINGS_BOOL, .fallback = "true",
		.meaning = "Write only while holding the Lease `tailnet-gateway-controller`, so that several "
			"replicas may run.",
		AT(leader_elect)},
	{"at-once", "AT_ONCE", .rule = SETTINGS_COUNT, .fallback = "32",
		.meaning = "Objects that are handled at the same time.", AT(at_once)},
	{"resync-period", "RESYNC_PERIOD", .rule = SETTINGS_DURATION, .fallback = "10h",
		.meaning = "How often every object is looked at without a change, ± 10 %.", AT(resync_period_ms)},
	{"metrics-addr", "METRICS_ADDR", .rule = SETTINGS_ADDRPORT, .fallback = ":8080",
		.meaning = "Address of `/metrics`, `/healthz` and `/readyz`.", AT(metrics_addr)},
	{"log-format", "LOG_FORMAT", .rule = SETTINGS_CHOICE, .fallback = "json", .choices = "json text",
		.meaning = "Form of the log on standard error.", AT(log_format)},
	{"v", "V", .rule = SETTINGS_COUNT, .fallback = "0",
		.meaning = "1 and more: the log has lines of level debug as well.", AT(verbosity)},
	{"kubeconfig", "KUBECONFIG", .rule = SETTINGS_TEXT, .fallback = "",
		.fallback_text = "the service account of the Pod",
		.meaning = "A kubeconfig to reach the API server with. Of several between colons the first is read.",
		AT(kubeconfig)},
	{"context", "KUBE_CONTEXT", .rule = SETTINGS_TEXT, .fallback = "",
		.fallback_text = "the current one",
		.meaning = "Context of the kubeconfig.", AT(context)},
	{NULL, "HTTPS_PROXY", "https_proxy", SETTINGS_TEXT, .fallback = "",
		.meaning = "Proxy for requests to control planes: `http://host:port`.", AT(https_proxy)},
	{NULL, "NO_PROXY", "no_proxy", SETTINGS_TEXT, .fallback = "",
		.meaning = "Hosts and domains that are asked directly, between commas.", AT(no_proxy)},
	{NULL, "POD_NAME", .rule = SETTINGS_TEXT, .fallback = "",
		.fallback_text = "the host name",
		.meaning = "Name of the Pod, in the Lease.", AT(pod_name)},
	{NULL, "KUBERNETES_SERVICE_HOST", .rule = SETTINGS_TEXT, .fallback = "",
		.meaning = "Set by Kubernetes: where the API server is.", AT(service_host)},
	{NULL, "KUBERNETES_SERVICE_PORT", .rule = SETTINGS_TEXT, .fallback = "",
		.meaning = "Set by Kubernetes.", AT(service_port)},
	{NULL, "SERVICE_ACCOUNT_DIR", .rule = SETTINGS_TEXT,
		.fallback = "/var/run/secrets/kubernetes.io/serviceaccount",
		.meaning = "Folder with `token`, `ca.crt` and `namespace`.", AT(account_dir)},
	{"time-divisor", "TIME_DIVISOR", .rule = SETTINGS_COUNT, .fallback = "1",
		.meaning = "For tests: all periods of the controller are divided by it.", AT(time_divisor)},
};
/* clang-format on */

const size_t settings_rows_len = ARRAY_LEN(settings_rows);
