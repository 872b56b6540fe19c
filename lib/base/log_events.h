/*
 * The table of log events: id, level, names of the arguments in order, text.
 *
 * A row is a macro that expands to the first arguments of log_emit(), so the compiler checks the
 * arguments of each call against the text. Texts that users and dashboards match on keep the
 * reference's wording to the letter; nothing is ever appended to a text. docs/log-lines.md is
 * generated from this file.
 */
#ifndef LIB_BASE_LOG_EVENTS_H
#define LIB_BASE_LOG_EVENTS_H

/* clang-format off */

/* base: the log itself */
#define EV_LOG_REPEATED "log.repeated", LOG_LEVEL_WARNING, "count", "last message repeated %llu times"

/* base: conditions */
#define EV_CONDITION_RAISED "condition.raised", LOG_LEVEL_WARNING, "code,reason,advice", "condition %s: %s (%s)"
#define EV_CONDITION_CHANGED "condition.changed", LOG_LEVEL_WARNING, "code,reason", "condition %s now: %s"
#define EV_CONDITION_CLEARED "condition.cleared", LOG_LEVEL_INFO, "code,seconds", "condition %s cleared after %llu s"

/* io: loop, children, watches, HTTP */
#define EV_HTTP_LISTENER_CLOSED "http.closed", LOG_LEVEL_INFO, "address", "HTTP server at %s closed"

/* localapi: the daemon's notifications */
#define EV_BUS_SELF_UNREADABLE "bus.self_unreadable", LOG_LEVEL_WARNING, "reason", "cannot read the own node in a notification of tailscaled: %s"

/* boot: program */
#define EV_FATAL "boot.fatal", LOG_LEVEL_ERROR, "reason", "%s"
#define EV_STEP_FAILED "boot.step_failed", LOG_LEVEL_WARNING, "reason", "%s"
#define EV_STARTUP_COMPLETE "boot.startup_complete", LOG_LEVEL_INFO, "", "Startup complete, waiting for shutdown signal"

/* boot: settings */
#define EV_SETTINGS_WARNING "settings.warning", LOG_LEVEL_WARNING, "text", "%s"
#define EV_SETTINGS_VALUE_IGNORED "settings.value_ignored", LOG_LEVEL_WARNING, "name,value,want", "[warning] %s=%s is none of: %s; using the default"
#define EV_SETTINGS_CONFIG_FILE "settings.config_file", LOG_LEVEL_INFO, "path,version", "Using tailscaled config file %s to match current capability version %d"
#define EV_SETTINGS_HEALTHCHECK_DEPRECATED "settings.healthcheck_deprecated", LOG_LEVEL_WARNING, "", "[warning] TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0. Please use TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT instead."
#define EV_ACCEPT_DNS_FORMAT "accept_dns.format", LOG_LEVEL_WARNING, "", "TS_EXTRA_ARGS contains --accept-dns, but it is not in the expected format --accept-dns=<true|false>, ignoring it"
#define EV_ACCEPT_DNS_NOT_BOOL "accept_dns.not_bool", LOG_LEVEL_WARNING, "value", "TS_EXTRA_ARGS contains --accept-dns=%s, which is not a valid boolean value, ignoring it"
#define EV_ACCEPT_DNS_OVERRIDES "accept_dns.overrides", LOG_LEVEL_INFO, "value,overridden", "TS_EXTRA_ARGS contains --accept-dns=%s, which overrides TS_ACCEPT_DNS=%s"
#define EV_FORWARDING_FAILED "forwarding.failed", LOG_LEVEL_ERROR, "reason", "Failed to enable IP forwarding: %s"
#define EV_FORWARDING_HINT "forwarding.hint", LOG_LEVEL_INFO, "", "With Docker, for example: --cap-add NET_ADMIN --sysctl net.ipv4.ip_forward=1 --sysctl net.ipv6.conf.all.forwarding=1"
#define EV_FORWARDING_NEEDED "forwarding.needed", LOG_LEVEL_ERROR, "", "To run tailscale as a proxy or router container, IP forwarding must be enabled."

/* boot: daemon */
#define EV_DAEMON_STARTING "daemon.starting", LOG_LEVEL_INFO, "", "Starting tailscaled"
#define EV_DAEMON_SOCKET_WAIT "daemon.socket_wait", LOG_LEVEL_INFO, "path", "Waiting for tailscaled socket at %s"
#define EV_DAEMON_SIGTERM "daemon.sigterm", LOG_LEVEL_INFO, "", "Sending SIGTERM to tailscaled"
#define EV_DAEMON_EXITED "daemon.exited", LOG_LEVEL_INFO, "", "tailscaled exited"
#define EV_DAEMON_SIGKILL "daemon.sigkill", LOG_LEVEL_WARNING, "", "tailscaled did not end in time, sending SIGKILL"
#define EV_DAEMON_SIGNAL_FAILED "daemon.signal_failed", LOG_LEVEL_WARNING, "reason", "cannot signal tailscaled: %s"
#define EV_DAEMON_RESTARTING "daemon.restarting", LOG_LEVEL_WARNING, "status,delay_ms,crashes,limit", "tailscaled ended (%s), restarting it in %llu ms (crash %zu of %u in the window)"
#define EV_DAEMON_TRANSITION "daemon.transition", LOG_LEVEL_DEBUG, "from,event,to", "daemon %s + %s -> %s"

/* boot: node */
#define EV_NODE_TRANSITION "node.transition", LOG_LEVEL_DEBUG, "from,event,to", "node %s + %s -> %s"
#define EV_NODE_STATE_WAIT "node.state_wait", LOG_LEVEL_INFO, "state", "tailscaled in state \"%s\", waiting"
#define EV_NODE_APPROVAL "node.approval", LOG_LEVEL_INFO, "", "machine authorization required, please visit the admin panel"
#define EV_NODE_LEFT_RUNNING "node.left_running", LOG_LEVEL_WARNING, "state", "tailscaled left running state (now in state \"%s\"), recovering"
#define EV_NODE_RUNNING_AGAIN "node.running_again", LOG_LEVEL_INFO, "", "tailscaled is running again"
#define EV_NODE_NO_SECRET "node.no_secret", LOG_LEVEL_INFO, "", "TS_AUTHKEY not provided and state Secret does not exist, login will be interactive if needed."
#define EV_NODE_NO_AUTHKEY "node.no_authkey", LOG_LEVEL_INFO, "", "No authkey found in state Secret and TS_AUTHKEY not provided, login will be interactive if needed."
#define EV_NODE_UP "node.up", LOG_LEVEL_INFO, "", "Running 'tailscale up'"
#define EV_NODE_SET "node.set", LOG_LEVEL_INFO, "", "Running 'tailscale set'"
#define EV_NODE_COMMAND_FAILED "node.command_failed", LOG_LEVEL_WARNING, "command,reason", "tailscale %s failed: %s"
#define EV_NODE_GRO_FAILED "node.gro_failed", LOG_LEVEL_WARNING, "reason", "[unexpected] error enabling UDP GRO forwarding: %s"
#define EV_NODE_SYMLINK_FAILED "node.symlink_failed", LOG_LEVEL_WARNING, "reason", "[warning] failed to symlink socket: %s"
#define EV_NODE_DNS_CONFIG_FAILED "node.dns_config_failed", LOG_LEVEL_WARNING, "reason", "error refreshing DNS config from tailscaled: %s"
#define EV_NODE_KEY_DELETING "node.key_deleting", LOG_LEVEL_INFO, "", "Deleting authkey from Kubernetes Secret"
#define EV_NODE_SERVE_RESET "node.serve_reset", LOG_LEVEL_INFO, "", "serve proxy: unsetting previous config"
#define EV_NODE_STOP_REQUESTED "node.stop_requested", LOG_LEVEL_INFO, "signal", "Received %s, stopping"

/* boot: new auth key */
#define EV_REISSUE_NEEDS_LOGIN "reissue.needs_login", LOG_LEVEL_INFO, "", "Auth key missing or invalid (NeedsLogin state), disconnecting from control and requesting new key from operator"
#define EV_REISSUE_KEY_FAILED "reissue.key_failed", LOG_LEVEL_INFO, "", "Auth key failed to authenticate (may be expired or single-use), disconnecting from control and requesting new key from operator"
#define EV_REISSUE_REQUESTING "reissue.requesting", LOG_LEVEL_INFO, "", "Requesting a new auth key from operator"
#define EV_REISSUE_DISCONNECT_FAILED "reissue.disconnect_failed", LOG_LEVEL_WARNING, "reason", "error disconnecting from control: %s"
#define EV_REISSUE_REQUEST_FAILED "reissue.request_failed", LOG_LEVEL_WARNING, "reason", "failed to set reissue_authkey in Kubernetes Secret, trying again: %s"
#define EV_REISSUE_WATCHING "reissue.watching", LOG_LEVEL_INFO, "", "auth key reissue: watching for config changes via fsnotify"
#define EV_REISSUE_POLLING "reissue.polling", LOG_LEVEL_INFO, "", "auth key reissue: cannot watch the config directory, polling for config changes"
#define EV_REISSUE_WAITING "reissue.waiting", LOG_LEVEL_INFO, "limit", "Waiting for operator to provide new auth key (max wait: %s)"
#define EV_REISSUE_CONFIG_UNREADABLE "reissue.config_unreadable", LOG_LEVEL_WARNING, "reason", "auth key reissue: %s"
#define EV_REISSUE_RECEIVED "reissue.received", LOG_LEVEL_INFO, "seconds", "New auth key received from operator after %llus"
#define EV_REISSUE_CLEAR_FAILED "reissue.clear_failed", LOG_LEVEL_WARNING, "reason", "Warning: failed to clear reissue request: %s"
#define EV_REISSUE_SUCCEEDED "reissue.succeeded", LOG_LEVEL_INFO, "", "Successfully received new auth key, restarting to apply configuration"
#define EV_REISSUE_APPLYING "reissue.applying", LOG_LEVEL_INFO, "", "Received new auth key, restarting tailscaled to apply it"
#define EV_REISSUE_CANCELLED "reissue.cancelled", LOG_LEVEL_INFO, "", "tailscaled has logged in after all, the request for a new auth key is withdrawn"

/* boot: configuration file of the daemon */
#define EV_CONFIG_CHANGED "config.changed", LOG_LEVEL_INFO, "", "tailscaled config watch: ensuring that config is up to date"
#define EV_CONFIG_RELOADED "config.reloaded", LOG_LEVEL_INFO, "", "tailscaled config watch: config was reloaded"

/* boot: shutdown */
#define EV_STOP_CONSISTENCY_CHECK "stop.consistency_check", LOG_LEVEL_INFO, "", "Checking for consistent state"
#define EV_STOP_CONSISTENCY_WAIT "stop.consistency_wait", LOG_LEVEL_INFO, "place", "Waiting for tailscaled to finish writing state to %s"
#define EV_STOP_CONSISTENCY_FAILED "stop.consistency_failed", LOG_LEVEL_WARNING, "reason", "Error waiting for consistent state on shutdown: %s"
#define EV_STOP_WITHDRAW_FAILED "stop.withdraw_failed", LOG_LEVEL_WARNING, "reason", "Error ensuring services are not advertised: %s"
#define EV_STOP_NOT_PUBLISHED "stop.not_published", LOG_LEVEL_WARNING, "place", "stopping before everything was published to %s"

/* statestore */
#define EV_STORE_REVIEW_FAILED "store.review_failed", LOG_LEVEL_WARNING, "verb,secret,reason", "error checking %s permission on secret %s: %s"
#define EV_STORE_SETUP_RETRY "store.setup_retry", LOG_LEVEL_WARNING, "verb,secret,reason", "cannot %s Secret %s yet, trying again: %s"

/* ingress: serve config, certificates, advertisement */
#define EV_SERVE_MISSING "serve.missing", LOG_LEVEL_INFO, "path", "serve proxy: no serve config at \"%s\", skipping"
#define EV_SERVE_EMPTY "serve.empty", LOG_LEVEL_INFO, "", "serve proxy: serve config file is empty, skipping"
#define EV_SERVE_APPLYING "serve.applying", LOG_LEVEL_INFO, "", "serve proxy: applying serve config"
#define EV_SERVE_NO_HTTPS "serve.no_https", LOG_LEVEL_WARNING, "", "serve proxy: this node is configured as a proxy that exposes an HTTPS endpoint to tailnet, (perhaps a Kubernetes operator Ingress proxy) but it is not able to issue TLS certs, so this will likely not work. To make it work, ensure that HTTPS is enabled for your tailnet, see https://tailscale.com/kb/1153/enabling-https for more details."
#define EV_CERT_FAILED "cert.failed", LOG_LEVEL_WARNING, "domain,retry,reason,delay", "Error refreshing certificate for %s (retry %u): %s. Will retry in %s"
#define EV_ADVERTISE_WITHDRAWING "advertise.withdrawing", LOG_LEVEL_INFO, "services", "unadvertising services: [%s]"

/* ingress: services and targets */
#define EV_INGRESS_STARTING "ingress.starting", LOG_LEVEL_INFO, "", "starting ingress proxy..."
#define EV_INGRESS_CHANGED "ingress.changed", LOG_LEVEL_INFO, "", "config file change detected, ensuring firewall config is up to date..."
#define EV_INGRESS_MORE "ingress.more", LOG_LEVEL_INFO, "count,what", "... and %zu more ingress %s"
#define EV_INGRESS_ADDING "ingress.adding", LOG_LEVEL_INFO, "service,address,cluster_address", "adding DNAT rule for Tailscale Service %s with IP %s to Kubernetes Service IP %s"
#define EV_INGRESS_DELETING "ingress.deleting", LOG_LEVEL_INFO, "service,address,cluster_address", "deleting DNAT rule for Tailscale Service %s with IP %s to Kubernetes Service IP %s"
#define EV_INGRESS_SERVICE_FAILED "ingress.service_failed", LOG_LEVEL_WARNING, "reason", "ingress proxy: Tailscale Service %s"
#define EV_INGRESS_NOT_SERVED "ingress.not_served", LOG_LEVEL_WARNING, "service,others,reason", "ingress proxy: a mapping of Tailscale Service %s and %zu others is left out: %s"
#define EV_INGRESS_TARGET "ingress.target", LOG_LEVEL_INFO, "", "Installing proxy rules"
#define EV_INGRESS_TARGET_IPV6 "ingress.target_ipv6", LOG_LEVEL_WARNING, "", "Warning: proxy backend ClusterIP is an IPv6 address and the proxy has a IPv4 tailnet address. You might need to disable IPv4 address allocation for the proxy for forwarding to work. See https://github.com/tailscale/tailscale/issues/12156"
#define EV_INGRESS_VIA "ingress.via", LOG_LEVEL_INFO, "address", "installing rules to forward traffic for %s to node's tailnet IP"
#define EV_DEST_NAME_FAILED "dest_name.failed", LOG_LEVEL_WARNING, "name,reason", "[unexpected] error resolving DNS name %s: %s"
#define EV_DEST_NAME_NEXT "dest_name.next", LOG_LEVEL_INFO, "delay", "reconfigureTimer: next DNS resolution attempt in %s"
#define EV_DEST_NAME_RETRY "dest_name.retry", LOG_LEVEL_INFO, "delay", "reconfigureTimer: last DNS resolution attempt failed, next DNS resolution attempt in %s"
#define EV_DEST_NAME_INSTALLING "dest_name.installing", LOG_LEVEL_INFO, "backends", "installing ingress proxy rules for backends [%s]"
#define EV_DEST_NAME_CHANGED "dest_name.changed", LOG_LEVEL_INFO, "backends", "Backend address change detected, installing proxy rules for backends [%s]"
#define EV_DEST_NAME_LEFT_OUT "dest_name.left_out", LOG_LEVEL_WARNING, "backends,family,reason", "backend targets [%s] contain at least one %s address, but %s"

/* egress: services, target, drain */
#define EV_EGRESS_CONFIG_CHANGED "egress.config_changed", LOG_LEVEL_INFO, "", "config file change detected, ensuring firewall config is up to date..."
#define EV_EGRESS_NETMAP_CHANGED "egress.netmap_changed", LOG_LEVEL_INFO, "", "netmap change detected, ensuring firewall config is up to date..."
#define EV_EGRESS_NODE_CHANGED "egress.node_changed", LOG_LEVEL_INFO, "", "node addresses have changed, trigger egress config resync"
#define EV_EGRESS_BACKENDS_CHANGED "egress.backends_changed", LOG_LEVEL_INFO, "target,old,new", "backend addresses for egress target %s have changed old IPs %s, new IPs %s trigger egress config resync"
#define EV_EGRESS_NO_BACKENDS "egress.no_backends", LOG_LEVEL_WARNING, "service", "tailnet target for egress service %s does not have any backend addresses, deleting all rules"
#define EV_EGRESS_SERVICE_DELETED "egress.service_deleted", LOG_LEVEL_INFO, "service", "service %s is no longer required, deleting"
#define EV_EGRESS_SERVICE_RULES "egress.service_rules", LOG_LEVEL_INFO, "service,added,deleted", "syncegressservices: looking at svc %s rulesToAdd %zu rulesToDelete %zu"
#define EV_EGRESS_MORE_RULES "egress.more_rules", LOG_LEVEL_INFO, "services,added,deleted", "syncegressservices: looking at %zu more services rulesToAdd %zu rulesToDelete %zu"
#define EV_EGRESS_SERVICE_FAULT "egress.service_fault", LOG_LEVEL_WARNING, "service,reason", "egress service %s: %s"
#define EV_EGRESS_SERVICE_TARGET "egress.service_target", LOG_LEVEL_WARNING, "service,reason", "egress service %s: %s"
#define EV_EGRESS_SERVICE_CONFLICT "egress.service_conflict", LOG_LEVEL_WARNING, "service,reason", "egress service %s: %s"
#define EV_EGRESS_MORE "egress.more", LOG_LEVEL_WARNING, "count,what", "... and %zu more egress services %s"
#define EV_EGRESS_INSTALLING "egress.installing", LOG_LEVEL_INFO, "target", "Installing forwarding rules for destination %s"
#define EV_DRAIN_BEGIN "drain.begin", LOG_LEVEL_INFO, "", "Ensuring that cluster traffic for egress targets is no longer routed via this Pod..."
#define EV_DRAIN_NO_ADDRESS "drain.no_address", LOG_LEVEL_WARNING, "", "the addresses of this Pod are not known, so that cluster traffic is still routed via it can not be seen"
#define EV_DRAIN_NO_ENDPOINT "drain.no_endpoint", LOG_LEVEL_INFO, "service", "Tailnet target \"%s\" does not have a cluster healthcheck specified, unable to verify if cluster traffic for the target is still routed via this Pod"
#define EV_DRAIN_CHECKING "drain.checking", LOG_LEVEL_INFO, "service", "Ensuring that cluster traffic is no longer routed to \"%s\" via this Pod..."
#define EV_DRAIN_ROUTED "drain.routed", LOG_LEVEL_INFO, "service", "service \"%s\" is still routed through this Pod, waiting..."
#define EV_DRAIN_UNREACHABLE "drain.unreachable", LOG_LEVEL_INFO, "endpoint,reason", "Endpoint \"%s\" can not be reached: %s, likely because there are no (more) healthy backends"
#define EV_DRAIN_GONE "drain.gone", LOG_LEVEL_INFO, "service", "service \"%s\" is no longer routed through this Pod"
#define EV_DRAIN_GIVEN_UP "drain.given_up", LOG_LEVEL_WARNING, "endpoint,reason", "unable to reach endpoint \"%s\", assuming the routing rules for this Pod have been deleted: %s"
#define EV_DRAIN_NOT_STOPPED "drain.not_stopped", LOG_LEVEL_WARNING, "service", "Cluster traffic for %s did not stop being routed to this Pod."
#define EV_DRAIN_MORE "drain.more", LOG_LEVEL_INFO, "count,what", "... and %zu more %s"
#define EV_DRAIN_SETTLING "drain.settling", LOG_LEVEL_INFO, "duration", "Sleeping for %s before shutdown to ensure that kube proxies on all nodes have updated routing configuration"
#define EV_DRAIN_REFUSED "drain.refused", LOG_LEVEL_WARNING, "reason", "pre-shutdown hook failed: %s"

/* boot: data path */
#define EV_DATAPATH_APPLIED "datapath.applied", LOG_LEVEL_DEBUG, "transactions,elements,flows", "firewall: %zu transactions, %zu elements changed, %zu flows ended"
#define EV_DATAPATH_REPAIRED "datapath.repaired", LOG_LEVEL_WARNING, "what", "firewall: another program had changed our tables (%s); restored"
#define EV_DATAPATH_NO_IPV6 "datapath.no_ipv6", LOG_LEVEL_INFO, "reason", "firewall: IPv6 is not used: %s"
#define EV_DATAPATH_FLOWS_FAILED "datapath.flows_failed", LOG_LEVEL_WARNING, "reason", "firewall: old flows may not follow the new rules: %s"
#define EV_DATAPATH_NOT_WATCHED "datapath.not_watched", LOG_LEVEL_WARNING, "reason", "firewall: edits by other programs will not be noticed: %s"
#define EV_DATAPATH_REMOVE_FAILED "datapath.remove_failed", LOG_LEVEL_WARNING, "reason", "firewall: the tables could not be removed: %s"
#define EV_DATAPATH_POD_IN_TAILNET "datapath.pod_in_tailnet", LOG_LEVEL_WARNING, "address,range", "[warning] the Pod's address %s is in the tailnet's range %s: tailscaled drops what such addresses send into the tailnet, so egress will not work"
#define EV_DATAPATH_MODE_IGNORED "datapath.mode_ignored", LOG_LEVEL_INFO, "mode", "firewall: TS_DEBUG_FIREWALL_MODE=%s steers tailscaled alone; the rules of this program are nftables"

/* health */
#define EV_HEALTH_SET "health.set", LOG_LEVEL_INFO, "healthy", "Setting healthy %s"
#define EV_HEALTH_ENDPOINT "health.endpoint", LOG_LEVEL_INFO, "address", "Running healthcheck endpoint at %s/healthz"
#define EV_DRAIN_ENDPOINT "drain.endpoint", LOG_LEVEL_INFO, "address,path", "Running egress preshutdown hook at %s%s"
#define EV_METRICS_ENDPOINT "metrics.endpoint", LOG_LEVEL_INFO, "address", "Running metrics endpoint at %s/metrics"

/* clang-format on */

#endif
