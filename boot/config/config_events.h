/* The log events of boot/config. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_CONFIG_CONFIG_EVENTS_H
#define BOOT_CONFIG_CONFIG_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: configuration file of the daemon */
#define EV_CONFIG_CHANGED "config.changed", LOG_LEVEL_INFO, "", "tailscaled config watch: ensuring that config is up to date"
#define EV_CONFIG_RELOADED "config.reloaded", LOG_LEVEL_INFO, "", "tailscaled config watch: config was reloaded"

#define EV_CONFIG_RESTART "config.restart", LOG_LEVEL_INFO, "path", "tailscaled is started again with the configuration file %s"

/* clang-format on */

#endif
