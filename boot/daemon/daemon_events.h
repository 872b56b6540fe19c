/* The log events of boot/daemon. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_DAEMON_DAEMON_EVENTS_H
#define BOOT_DAEMON_DAEMON_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: daemon */
#define EV_DAEMON_STARTING "daemon.starting", LOG_LEVEL_INFO, "", "Starting tailscaled"
#define EV_DAEMON_SOCKET_WAIT "daemon.socket_wait", LOG_LEVEL_INFO, "path", "Waiting for tailscaled socket at %s"
#define EV_DAEMON_SIGTERM "daemon.sigterm", LOG_LEVEL_INFO, "", "Sending SIGTERM to tailscaled"
#define EV_DAEMON_EXITED "daemon.exited", LOG_LEVEL_INFO, "", "tailscaled exited"
#define EV_DAEMON_SIGKILL "daemon.sigkill", LOG_LEVEL_WARNING, "", "tailscaled did not end in time, sending SIGKILL"
#define EV_DAEMON_OVERDUE "daemon.overdue", LOG_LEVEL_WARNING, "limit_ms", "tailscaled's socket was not ready within %llu ms, sending SIGKILL"
#define EV_DAEMON_MUTE "daemon.mute", LOG_LEVEL_WARNING, "mute_ms", "tailscaled has not answered for %llu ms, restarting it"
#define EV_DAEMON_SIGNAL_FAILED "daemon.signal_failed", LOG_LEVEL_WARNING, "reason", "cannot signal tailscaled: %s"
#define EV_DAEMON_RESTARTING "daemon.restarting", LOG_LEVEL_WARNING, "status,delay_ms,crashes,limit", "tailscaled ended (%s), restarting it in %llu ms (crash %zu of %u in the window)"
#define EV_DAEMON_TRANSITION "daemon.transition", LOG_LEVEL_DEBUG, "from,event,to", "daemon %s + %s -> %s"
#define EV_NODE_SYMLINK_FAILED "node.symlink_failed", LOG_LEVEL_WARNING, "reason", "[warning] failed to symlink socket: %s"

#define EV_DAEMON_CONFIG_FAILED "daemon.config_failed", LOG_LEVEL_WARNING, "reason", "no usable configuration for tailscaled: %s"

#define EV_DAEMON_CA_MERGED "daemon.ca_merged", LOG_LEVEL_INFO, "path,system,count", "TAILBOOT_CA_FILE: %s is added to %s (certificates: %zu)"
#define EV_DAEMON_CA_CHANGED "daemon.ca_changed", LOG_LEVEL_INFO, "path", "TAILBOOT_CA_FILE: %s has changed; tailscaled trusts the new certificates from its next start on"
#define EV_DAEMON_CA_RESTART "daemon.ca_restart", LOG_LEVEL_INFO, "", "tailscaled does not trust the control server and has not read the newest TAILBOOT_CA_FILE, restarting it"

#define EV_CONTACTS_TOO_MANY "daemon.contacts_too_many", LOG_LEVEL_WARNING, "limit_kib", "tailscaled's list of peers is longer than %u KiB, and is not read: after a restart of tailscaled, peers that are no targets of egress may not reach this node for up to 15 s; let the policy of the tailnet show this node fewer peers"
#define EV_RENEWAL "daemon.renewal", LOG_LEVEL_WARNING, "target", "%s does not answer any more through the tunnel since tailscaled was started: switching tailscaled off and on, so that it sets up new WireGuard sessions"
#define EV_RENEWAL_FAILED "daemon.renewal_failed", LOG_LEVEL_WARNING, "reason", "WireGuard sessions are not renewed, and may be silent for 15 s: %s"

#define EV_CAPABILITY_UNKNOWN "daemon.capability_unknown", LOG_LEVEL_WARNING, "version,reason", "using %d of this build as the capability version of tailscaled, which cannot be asked for: %s"

/* clang-format on */

#endif
