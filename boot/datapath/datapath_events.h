/* The log events of boot/datapath. How a row reads: lib/base/log_events.h. */
#ifndef BOOT_DATAPATH_DATAPATH_EVENTS_H
#define BOOT_DATAPATH_DATAPATH_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* boot: data path */
#define EV_DATAPATH_APPLIED "datapath.applied", LOG_LEVEL_DEBUG, "transactions,elements,flows", "firewall: %zu transactions, %zu elements changed, %zu flows ended"
#define EV_DATAPATH_REPAIRED "datapath.repaired", LOG_LEVEL_WARNING, "what", "firewall: another program had changed our tables (%s); restored"
#define EV_DATAPATH_NO_IPV6 "datapath.no_ipv6", LOG_LEVEL_INFO, "reason", "firewall: IPv6 is not used: %s"
#define EV_DATAPATH_NOT_WATCHED "datapath.not_watched", LOG_LEVEL_WARNING, "reason", "firewall: edits by other programs will not be noticed: %s"
#define EV_DATAPATH_REMOVE_FAILED "datapath.remove_failed", LOG_LEVEL_WARNING, "reason", "firewall: the tables could not be removed: %s"
#define EV_DATAPATH_MODE_IGNORED "datapath.mode_ignored", LOG_LEVEL_INFO, "mode", "firewall: TS_DEBUG_FIREWALL_MODE=%s steers tailscaled alone; the rules of this program are nftables"

/* clang-format on */

#endif
