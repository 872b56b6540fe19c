/*
 * The table of log events: id, level, names of the arguments in order, text.
 *
 * A row is a macro that expands to the first arguments of log_emit(), so the compiler checks the
 * arguments of each call against the text. Texts that users and dashboards match on keep the
 * reference's wording to the letter; nothing is ever appended to a text. docs/log-lines.md is
 * generated from this file.
 */
#ifndef LIB_BASE_LOG_EVENTS_H
#define LIB_BASE_LOG_EVENTS_H

/* clang-format off */

/* base: the log itself */
#define EV_LOG_REPEATED "log.repeated", LOG_LEVEL_WARNING, "count", "last message repeated %llu times"

/* base: conditions */
#define EV_CONDITION_RAISED "condition.raised", LOG_LEVEL_WARNING, "code,reason,advice", "condition %s: %s (%s)"
#define EV_CONDITION_CHANGED "condition.changed", LOG_LEVEL_WARNING, "code,reason", "condition %s now: %s"
#define EV_CONDITION_CLEARED "condition.cleared", LOG_LEVEL_INFO, "code,seconds", "condition %s cleared after %llu s"

/* io: loop, children, watches, HTTP */
#define EV_HTTP_LISTENER_CLOSED "http.closed", LOG_LEVEL_INFO, "address", "HTTP server at %s closed"

/* boot: program */
#define EV_FATAL "boot.fatal", LOG_LEVEL_ERROR, "reason", "%s"
#define EV_STARTUP_COMPLETE "boot.startup_complete", LOG_LEVEL_INFO, "", "Startup complete, waiting for shutdown signal"

/* boot: settings */
#define EV_SETTINGS_WARNING "settings.warning", LOG_LEVEL_WARNING, "text", "%s"
#define EV_SETTINGS_VALUE_IGNORED "settings.value_ignored", LOG_LEVEL_WARNING, "name,value,want", "[warning] %s=%s is none of: %s; using the default"
#define EV_SETTINGS_CONFIG_FILE "settings.config_file", LOG_LEVEL_INFO, "path,version", "Using tailscaled config file %s to match current capability version %d"
#define EV_SETTINGS_HEALTHCHECK_DEPRECATED "settings.healthcheck_deprecated", LOG_LEVEL_WARNING, "", "[warning] TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0. Please use TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT instead."
#define EV_ACCEPT_DNS_FORMAT "accept_dns.format", LOG_LEVEL_WARNING, "", "TS_EXTRA_ARGS contains --accept-dns, but it is not in the expected format --accept-dns=<true|false>, ignoring it"
#define EV_ACCEPT_DNS_NOT_BOOL "accept_dns.not_bool", LOG_LEVEL_WARNING, "value", "TS_EXTRA_ARGS contains --accept-dns=%s, which is not a valid boolean value, ignoring it"
#define EV_ACCEPT_DNS_OVERRIDES "accept_dns.overrides", LOG_LEVEL_INFO, "value,overridden", "TS_EXTRA_ARGS contains --accept-dns=%s, which overrides TS_ACCEPT_DNS=%s"
#define EV_FORWARDING_FAILED "forwarding.failed", LOG_LEVEL_ERROR, "reason", "Failed to enable IP forwarding: %s"
#define EV_FORWARDING_NEEDED "forwarding.needed", LOG_LEVEL_ERROR, "", "To run tailscale as a proxy or router container, IP forwarding must be enabled."

/* boot: daemon */
#define EV_DAEMON_STARTING "daemon.starting", LOG_LEVEL_INFO, "", "Starting tailscaled"
#define EV_DAEMON_SOCKET_WAIT "daemon.socket_wait", LOG_LEVEL_INFO, "path", "Waiting for tailscaled socket at %s"
#define EV_DAEMON_SIGTERM "daemon.sigterm", LOG_LEVEL_INFO, "", "Sending SIGTERM to tailscaled"
#define EV_DAEMON_EXITED "daemon.exited", LOG_LEVEL_INFO, "", "tailscaled exited"

/* boot: node */

/* statestore */

/* ingress: serve config, certificates, advertisement */

/* health */

/* clang-format on */

#endif
