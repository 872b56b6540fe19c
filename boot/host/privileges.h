/*
 * What kernel networking needs of the container, found before tailscaled is started: it would end,
 * or run without a part, and its texts name no capability.
 *
 *	NET_ADMIN       the tunnel device, its addresses and routes, the packet filter
 *	/dev/net/tun    the tunnel device
 *	NET_RAW         only the packet filter of tailscaled, and only with the legacy iptables
 *	NET_BIND_SERVICE  ports below 1024 that tailscaled serves to clients in the cluster
 *
 * A proxy in userspace mode is refused, too: its rules would lead nowhere.
 *
 * Our own firewall is checked where it is opened (boot/datapath/datapath_host.h), forwarding where
 * it is switched on (boot/host/sysctl.h).
 */
#ifndef BOOT_HOST_PRIVILEGES_H
#define BOOT_HOST_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/host/caps.h"
#include "lib/base/err.h"

struct settings;

struct privileges {
	enum caps_reach net_admin, net_raw, net_bind_service; /* of the daemon */
	bool has_reserved_ports; /* net.ipv4.ip_unprivileged_port_start is above 80 */
	int tun_code;            /* of opening /dev/net/tun: 0 or a negative errno */
	bool iptables_is_legacy; /* false also when there is none */
	unsigned uid;
};

/* Under a test root there is no container to look at: nothing is missing. */
void privileges_read(const struct settings *s, struct privileges *out);

/* What makes the start useless, except for a device that is not there yet: tun_ensure makes it. The
 * sentence names what is missing, what it is for, and how to give it. Pure. */
int privileges_check(
	const struct settings *s, const struct privileges *p, struct err *e) MUST_CHECK;
/* What takes only a part away; NULL when there is no further one. Pure.
 *
 *	for (size_t i = 0; (text = privileges_warning(s, p, i)) != NULL; i++) …
 */
const char *privileges_warning(const struct settings *s, const struct privileges *p, size_t i);

#endif
