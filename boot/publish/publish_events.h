/* The log events of boot/publish. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_PUBLISH_PUBLISH_EVENTS_H
#define BOOT_PUBLISH_PUBLISH_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: publishing */
#define EV_NODE_DNS_CONFIG_FAILED "node.dns_config_failed", LOG_LEVEL_WARNING, "reason", "error refreshing DNS config from tailscaled: %s"
#define EV_NODE_SERVE_RESET "node.serve_reset", LOG_LEVEL_INFO, "", "serve proxy: unsetting previous config"

/* clang-format on */

#endif
