/* The log events of boot/host. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_HOST_HOST_EVENTS_H
#define BOOT_HOST_HOST_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: host */
#define EV_STEP_FAILED "boot.step_failed", LOG_LEVEL_WARNING, "reason", "%s"
#define EV_PRIVILEGE_MISSING "host.privilege_missing", LOG_LEVEL_WARNING, "reason", "%s"
#define EV_FORWARDING_FAILED "forwarding.failed", LOG_LEVEL_ERROR, "reason", "Failed to enable IP forwarding: %s"
#define EV_FORWARDING_HINT "forwarding.hint", LOG_LEVEL_INFO, "", "With Docker, for example: --cap-add NET_ADMIN --sysctl net.ipv4.ip_forward=1 --sysctl net.ipv6.conf.all.forwarding=1"
#define EV_FORWARDING_SYSCTLS "forwarding.sysctls", LOG_LEVEL_INFO, "", "Without privileges: net.ipv4.ip_forward=1 and net.ipv6.conf.all.forwarding=1 in securityContext.sysctls of the Pod; the kubelet has to allow them (--allowed-unsafe-sysctls)"
#define EV_FORWARDING_NEEDED "forwarding.needed", LOG_LEVEL_ERROR, "", "To run tailscale as a proxy or router container, IP forwarding must be enabled."

/* clang-format on */

#endif
