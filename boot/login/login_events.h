/* The log events of boot/login. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_LOGIN_LOGIN_EVENTS_H
#define BOOT_LOGIN_LOGIN_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: login */
#define EV_NODE_UP "node.up", LOG_LEVEL_INFO, "", "Running 'tailscale up'"
#define EV_NODE_SET "node.set", LOG_LEVEL_INFO, "", "Running 'tailscale set'"
#define EV_NODE_COMMAND_FAILED "node.command_failed", LOG_LEVEL_WARNING, "command,reason", "tailscale %s failed: %s"
#define EV_NODE_STATE_WAIT "node.state_wait", LOG_LEVEL_INFO, "state", "tailscaled in state \"%s\", waiting"
#define EV_NODE_APPROVAL "node.approval", LOG_LEVEL_INFO, "", "machine authorization required, please visit the admin panel"

/* boot: new auth key */
#define EV_REISSUE_NEEDS_LOGIN "reissue.needs_login", LOG_LEVEL_INFO, "", "Auth key missing or invalid (NeedsLogin state), disconnecting from control and requesting new key from operator"
#define EV_REISSUE_KEY_FAILED "reissue.key_failed", LOG_LEVEL_INFO, "", "Auth key failed to authenticate (may be expired or single-use), disconnecting from control and requesting new key from operator"
#define EV_REISSUE_REQUESTING "reissue.requesting", LOG_LEVEL_INFO, "", "Requesting a new auth key from operator"
#define EV_REISSUE_DISCONNECT_FAILED "reissue.disconnect_failed", LOG_LEVEL_WARNING, "reason", "error disconnecting from control: %s"
#define EV_REISSUE_REQUEST_FAILED "reissue.request_failed", LOG_LEVEL_WARNING, "reason", "failed to set reissue_authkey in Kubernetes Secret, trying again: %s"
#define EV_REISSUE_WATCHING "reissue.watching", LOG_LEVEL_INFO, "", "auth key reissue: watching for config changes via fsnotify"
#define EV_REISSUE_POLLING "reissue.polling", LOG_LEVEL_INFO, "", "auth key reissue: cannot watch the config directory, polling for config changes"
#define EV_REISSUE_WAITING "reissue.waiting", LOG_LEVEL_INFO, "limit", "Waiting for operator to provide new auth key (max wait: %s)"
#define EV_REISSUE_CONFIG_UNREADABLE "reissue.config_unreadable", LOG_LEVEL_WARNING, "reason", "auth key reissue: %s"
#define EV_REISSUE_RECEIVED "reissue.received", LOG_LEVEL_INFO, "seconds", "New auth key received from operator after %llus"
#define EV_REISSUE_CLEAR_FAILED "reissue.clear_failed", LOG_LEVEL_WARNING, "reason", "Warning: failed to clear reissue request: %s"
#define EV_REISSUE_SUCCEEDED "reissue.succeeded", LOG_LEVEL_INFO, "", "Successfully received new auth key, restarting to apply configuration"
#define EV_REISSUE_APPLYING "reissue.applying", LOG_LEVEL_INFO, "", "Received new auth key, restarting tailscaled to apply it"
#define EV_REISSUE_CANCELLED "reissue.cancelled", LOG_LEVEL_INFO, "", "tailscaled has logged in after all, the request for a new auth key is withdrawn"

#define EV_NODE_COMMAND_ABANDONED "node.command_abandoned", LOG_LEVEL_WARNING, "seconds", "the node is running, but tailscale up has not ended after %llu s: it is ended"
#define EV_NODE_KEY_ADOPTED "node.key_adopted", LOG_LEVEL_INFO, "", "another authkey was found in the state Secret"

/* clang-format on */

#endif
