/* The log events of the program. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_BOOT_EVENTS_H
#define BOOT_BOOT_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: program */
#define EV_FATAL "boot.fatal", LOG_LEVEL_ERROR, "reason", "%s"
#define EV_STARTUP_COMPLETE "boot.startup_complete", LOG_LEVEL_INFO, "", "Startup complete, waiting for shutdown signal"

/* boot: node */
#define EV_NODE_TRANSITION "node.transition", LOG_LEVEL_DEBUG, "from,event,to", "node %s + %s -> %s"
#define EV_NODE_LEFT_RUNNING "node.left_running", LOG_LEVEL_WARNING, "state", "tailscaled left running state (now in state \"%s\"), recovering"
#define EV_NODE_RUNNING_AGAIN "node.running_again", LOG_LEVEL_INFO, "", "tailscaled is running again"
#define EV_NODE_GRO_FAILED "node.gro_failed", LOG_LEVEL_WARNING, "reason", "[unexpected] error enabling UDP GRO forwarding: %s"
#define EV_NODE_STOP_REQUESTED "node.stop_requested", LOG_LEVEL_INFO, "signal", "Received %s, stopping"

/* boot: shutdown */
#define EV_STOP_CONSISTENCY_CHECK "stop.consistency_check", LOG_LEVEL_INFO, "", "Checking for consistent state"
#define EV_STOP_CONSISTENCY_WAIT "stop.consistency_wait", LOG_LEVEL_INFO, "place", "Waiting for tailscaled to finish writing state to %s"
#define EV_STOP_CONSISTENCY_FAILED "stop.consistency_failed", LOG_LEVEL_WARNING, "reason", "Error waiting for consistent state on shutdown: %s"
#define EV_STOP_WITHDRAW_FAILED "stop.withdraw_failed", LOG_LEVEL_WARNING, "reason", "Error ensuring services are not advertised: %s"
#define EV_STOP_NOT_PUBLISHED "stop.not_published", LOG_LEVEL_WARNING, "place", "stopping before everything was published to %s"

/* clang-format on */

#endif
