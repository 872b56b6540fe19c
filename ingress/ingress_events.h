/* The log events of ingress. How a row reads: lib/base/log_events.h. */
#ifndef INGRESS_INGRESS_EVENTS_H
#define INGRESS_INGRESS_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* ingress: serve config, certificates, advertisement */
#define EV_SERVE_MISSING "serve.missing", LOG_LEVEL_INFO, "path", "serve proxy: no serve config at \"%s\", skipping"
#define EV_SERVE_EMPTY "serve.empty", LOG_LEVEL_INFO, "", "serve proxy: serve config file is empty, skipping"
#define EV_SERVE_APPLYING "serve.applying", LOG_LEVEL_INFO, "", "serve proxy: applying serve config"
#define EV_SERVE_RESTORING "serve.restoring", LOG_LEVEL_WARNING, "", "serve proxy: somebody has cleared what tailscaled serves, applying it again"
#define EV_SERVE_UNKNOWN "serve.unknown", LOG_LEVEL_WARNING, "path,members", "serve proxy: %s: unknown members, which tailscaled passes over: %s"
#define EV_SERVE_NO_HTTPS "serve.no_https", LOG_LEVEL_WARNING, "", "serve proxy: this node is configured as a proxy that exposes an HTTPS endpoint to tailnet, (perhaps a Kubernetes operator Ingress proxy) but it is not able to issue TLS certs, so this will likely not work. To make it work, ensure that HTTPS is enabled for your tailnet, see https://tailscale.com/kb/1153/enabling-https for more details."
#define EV_CERT_FAILED "cert.failed", LOG_LEVEL_WARNING, "domain,retry,reason,delay", "Error refreshing certificate for %s (retry %u): %s. Will retry in %s"
#define EV_ADVERTISE_WITHDRAWING "advertise.withdrawing", LOG_LEVEL_INFO, "services", "unadvertising services: [%s]"

/* ingress: services and targets */
#define EV_INGRESS_CONFIGURING "ingress.configuring", LOG_LEVEL_INFO, "path", "configuring ingress proxy using configuration file at %s"
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

/* clang-format on */

#endif
