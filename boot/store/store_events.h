/* The log events of boot/store. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_STORE_STORE_EVENTS_H
#define BOOT_STORE_STORE_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: store */
#define EV_NODE_NO_SECRET "node.no_secret", LOG_LEVEL_INFO, "", "TS_AUTHKEY not provided and state Secret does not exist, login will be interactive if needed."
#define EV_NODE_NO_AUTHKEY "node.no_authkey", LOG_LEVEL_INFO, "", "No authkey found in state Secret and TS_AUTHKEY not provided, login will be interactive if needed."
#define EV_STORE_BACK "store.back", LOG_LEVEL_INFO, "place", "%s answers: restarting tailscaled, which had to start without its state"
#define EV_NODE_KEY_DELETING "node.key_deleting", LOG_LEVEL_INFO, "", "Deleting authkey from Kubernetes Secret"

/* clang-format on */

#endif
