/* The log events of boot/settings. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_SETTINGS_SETTINGS_EVENTS_H
#define BOOT_SETTINGS_SETTINGS_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: settings */
#define EV_SETTINGS_WARNING "settings.warning", LOG_LEVEL_WARNING, "text", "%s"
#define EV_SETTINGS_VALUE_IGNORED "settings.value_ignored", LOG_LEVEL_WARNING, "name,value,want", "[warning] %s=%s is none of: %s; using the default"
#define EV_SETTINGS_CONFIG_FILE "settings.config_file", LOG_LEVEL_INFO, "path,version", "Using tailscaled config file %s to match current capability version %d"
#define EV_SETTINGS_HEALTHCHECK_DEPRECATED "settings.healthcheck_deprecated", LOG_LEVEL_WARNING, "", "[warning] TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0. Please use TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT instead."
#define EV_ACCEPT_DNS_FORMAT "accept_dns.format", LOG_LEVEL_WARNING, "", "TS_EXTRA_ARGS contains --accept-dns, but it is not in the expected format --accept-dns=<true|false>, ignoring it"
#define EV_ACCEPT_DNS_NOT_BOOL "accept_dns.not_bool", LOG_LEVEL_WARNING, "value", "TS_EXTRA_ARGS contains --accept-dns=%s, which is not a valid boolean value, ignoring it"
#define EV_ACCEPT_DNS_OVERRIDES "accept_dns.overrides", LOG_LEVEL_INFO, "value,overridden", "TS_EXTRA_ARGS contains --accept-dns=%s, which overrides TS_ACCEPT_DNS=%s"

/* clang-format on */

#endif
