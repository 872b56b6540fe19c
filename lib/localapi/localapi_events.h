/* The log events of lib/localapi. How a row reads: lib/base/log_events.h. */
#ifndef LIB_LOCALAPI_LOCALAPI_EVENTS_H
#define LIB_LOCALAPI_LOCALAPI_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* localapi: the daemon's notifications */
#define EV_BUS_SELF_UNREADABLE "bus.self_unreadable", LOG_LEVEL_WARNING, "reason", "cannot read the own node in a notification of tailscaled: %s"

/* clang-format on */

#endif
