/*
 * tailscaled's network monitor reads the interfaces when the kernel announces a change, and then
 * not again for 1 s. When its first reading comes just after the daemon has given its own device
 * its addresses, it mistakes them for a change of the network: the daemon binds its sockets anew
 * and closes the connection to its relay, with the first handshakes in it, which are not tried
 * again for 5 s.
 *
 * A nudge as soon as the daemon's socket answers makes the first reading come before the device has
 * addresses: a loopback address is added and removed at once, so that nothing has changed when the
 * monitor reads.
 */
#ifndef BOOT_HOST_MONITOR_NUDGE_H
#define BOOT_HOST_MONITOR_NUDGE_H

#include "lib/base/err.h"

/* Never waits. -EPERM and the like need not be reported: without the nudge a restart may only take
 * longer. */
int monitor_nudge(struct err *e);

#endif
