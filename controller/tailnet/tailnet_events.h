/* The log events of the tailnets. How a row reads: lib/base/log_events.h. */
#ifndef CONTROLLER_TAILNET_TAILNET_EVENTS_H
#define CONTROLLER_TAILNET_TAILNET_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* controller/tailnet: syncs with control planes */
#define EV_TAILNET_READY "tailnet.ready", LOG_LEVEL_INFO, "tailnet,reason,message", "tailnet %s: %s: %s"
#define EV_TAILNET_TROUBLE "tailnet.trouble", LOG_LEVEL_WARNING, "tailnet,reason,message", "tailnet %s: %s: %s"
#define EV_TAILNET_KEY_TRIED "tailnet.key_tried", LOG_LEVEL_DEBUG, "tailnet,key", "tailnet %s: key %s was created and deleted"
#define EV_TAILNET_KEY_STAYS "tailnet.key_stays", LOG_LEVEL_WARNING, "tailnet,key,reason", "tailnet %s: key %s was created to see whether it can be, and cannot be deleted, it expires in 5 minutes: %s"

/* clang-format on */

#endif
