/*
 * tailscaled's network monitor takes the addresses that the daemon gives its own device for a
 * change of the network when it reads the interfaces after them: the daemon binds its sockets anew
 * and closes the connection to its relay while that is being set up, with the first handshakes in
 * it, which are not tried again for 5 s. The monitor ignores announcements of the tailnet's own
 * addresses and routes. The one that makes it read is that of the link-local IPv6 address, which
 * the kernel gives the device at some time after it came up, and which nobody uses.
 *
 * So the kernel is asked to give the device none, between the making of the device and its coming
 * up, each time the daemon makes it.
 *
 *	link_local_open(&l, loop, "tailscale0", &e);
 */
#ifndef BOOT_HOST_LINK_LOCAL_H
#define BOOT_HOST_LINK_LOCAL_H

#include <net/if.h>
#include <stddef.h>

#include "lib/base/err.h"

struct loop;
struct loop_source;

struct link_local {
	char name[IFNAMSIZ];
	int last; /* index of the device that was dealt with */
	int fd;   /* announcements of links; -1 when closed */
	struct loop_source *source;
};

/* Fills a zeroed struct, watches from now on. Needs CAP_NET_ADMIN. A failure, here or later, need
 * not be reported: a restart of the daemon may only take longer. */
int link_local_open(struct link_local *l, struct loop *loop, const char *name, struct err *e);
void link_local_close(struct link_local *l); /* zeroed is accepted */

/* Pure: index of the first device of this name in announcements of the kernel, 0 = none. bytes is
 * aligned for a struct nlmsghdr. */
int link_local_find(const void *bytes, size_t len, const char *name);

#endif
