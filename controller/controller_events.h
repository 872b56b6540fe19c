/* The log events of the program. How a row reads: lib/base/log_events.h. */
#ifndef CONTROLLER_CONTROLLER_EVENTS_H
#define CONTROLLER_CONTROLLER_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* controller: program */
#define EV_CONTROLLER_FATAL "controller.fatal", LOG_LEVEL_ERROR, "reason", "%s"
#define EV_CONTROLLER_STARTED "controller.started", LOG_LEVEL_INFO, "version,namespace,server", "tailboot-controller %s keeps its objects in namespace %s of %s"
#define EV_CONTROLLER_SYNCED "controller.synced", LOG_LEVEL_INFO, "ms", "all caches are complete after %llu ms"
#define EV_CONTROLLER_STOPPING "controller.stopping", LOG_LEVEL_INFO, "signal", "received %s, stopping"
#define EV_CONTROLLER_STOPPED "controller.stopped", LOG_LEVEL_INFO, "", "stopped"
#define EV_CONTROLLER_LISTENING "controller.listening", LOG_LEVEL_INFO, "address", "serving /metrics, /healthz and /readyz at %s"
#define EV_CONTROLLER_CREDENTIALS "controller.credentials", LOG_LEVEL_WARNING, "reason", "the plug-in of the kubeconfig has made no credentials: %s"

/* controller: leadership */
#define EV_LEASE_LEADS "lease.leads", LOG_LEVEL_INFO, "self", "leading as %s"
#define EV_LEASE_LOST "lease.lost", LOG_LEVEL_ERROR, "", "the Lease is lost; ending, so that this process starts again as a follower"
#define EV_LEASE_TROUBLE "lease.trouble", LOG_LEVEL_WARNING, "reason", "the Lease could not be read or written: %s"

/* controller: permissions */
#define EV_PERMISSIONS_MISSING "permissions.missing", LOG_LEVEL_ERROR, "scope,rule", "a permission is missing; add to the %s: %s"
#define EV_PERMISSIONS_UNKNOWN "permissions.unknown", LOG_LEVEL_WARNING, "reason", "the permissions could not be checked: %s"

/* controller: caches */
#define EV_WATCH_TROUBLE "watch.trouble", LOG_LEVEL_WARNING, "kind,outcome,reason", "%s cannot be watched (%s): %s"

/* controller: keys */
#define EV_KEY_HANDLED "key.handled", LOG_LEVEL_DEBUG, "kind,key,ms", "%s %s handled in %llu ms"

/* controller: clean-up */
#define EV_CLEANUP_BEGUN "cleanup.begun", LOG_LEVEL_INFO, "groups,services", "removing %zu proxy groups and our traces from %zu Services"
#define EV_CLEANUP_DONE "cleanup.done", LOG_LEVEL_INFO, "ms", "nothing of ours is left after %llu ms"
#define EV_CLEANUP_LEFT "cleanup.left", LOG_LEVEL_WARNING, "kind,name,reason", "%s %s is left: %s"

/* clang-format on */

#endif
