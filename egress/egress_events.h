/* The log events of egress. How a row reads: lib/base/log_events.h. */
#ifndef EGRESS_EGRESS_EVENTS_H
#define EGRESS_EGRESS_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* egress: services, target, drain */
#define EV_EGRESS_STARTING "egress.starting", LOG_LEVEL_INFO, "path", "configuring egress proxy using configuration file at %s"
#define EV_EGRESS_CONFIG_CHANGED "egress.config_changed", LOG_LEVEL_INFO, "", "config file change detected, ensuring firewall config is up to date..."
#define EV_EGRESS_NETMAP_CHANGED "egress.netmap_changed", LOG_LEVEL_INFO, "", "netmap change detected, ensuring firewall config is up to date..."
#define EV_EGRESS_NODE_CHANGED "egress.node_changed", LOG_LEVEL_INFO, "", "node addresses have changed, trigger egress config resync"
#define EV_EGRESS_BACKENDS_CHANGED "egress.backends_changed", LOG_LEVEL_INFO, "target,old,new", "backend addresses for egress target %s have changed old IPs %s, new IPs %s trigger egress config resync"
#define EV_EGRESS_NO_BACKENDS "egress.no_backends", LOG_LEVEL_WARNING, "service", "tailnet target for egress service %s does not have any backend addresses, deleting all rules"
#define EV_EGRESS_SERVICE_DELETED "egress.service_deleted", LOG_LEVEL_INFO, "service", "service %s is no longer required, deleting"
#define EV_EGRESS_SERVICE_RULES "egress.service_rules", LOG_LEVEL_INFO, "service,added,deleted", "syncegressservices: looking at svc %s rulesToAdd %zu rulesToDelete %zu"
#define EV_EGRESS_MORE_RULES "egress.more_rules", LOG_LEVEL_INFO, "services,added,deleted", "syncegressservices: looking at %zu more services rulesToAdd %zu rulesToDelete %zu"
#define EV_EGRESS_RULE_ADDED "egress.rule_added", LOG_LEVEL_INFO, "service,target,match_port,target_port,protocol", "ensureRulesAdded svc %s tailnetTarget %s container port %u tailnet port %u protocol %s"
#define EV_EGRESS_RULE_DELETED "egress.rule_deleted", LOG_LEVEL_INFO, "service,target,match_port,target_port,protocol", "ensureRulesDeleted svc %s tailnetTarget %s container port %u tailnet port %u protocol %s"
#define EV_EGRESS_RULES_MORE "egress.rules_more", LOG_LEVEL_INFO, "count,what", "... and %zu more rules of egress services are %s"
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

/* clang-format on */

#endif
