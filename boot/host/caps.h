/*
 * Capabilities of the supervisor itself. After the start-up it keeps effective only what it uses:
 *
 *	KILL              the daemon may run with other credentials (file capabilities,
 *	                  user namespaces)
 *	DAC_OVERRIDE      state folder, socket and termination message may belong to
 *	                  another user
 *	NET_ADMIN         firewall and forwarding switches
 *	NET_BIND_SERVICE  the HTTP listeners may use a port below 1024, and are opened
 *	                  again after a failure
 *
 * Everything else leaves the effective set only. The permitted, inheritable, bounding and ambient
 * sets stay as they are, so that a restarted daemon gets the same ones as the first: a program run
 * by uid 0 takes its capabilities from the bounding set, one run by another user from the ambient
 * set, and neither is looked up in the effective set of its parent (capabilities(7)).
 *
 * This is no barrier against code in this process, which could raise them again. It keeps mistakes
 * from having an effect.
 */
#ifndef BOOT_HOST_CAPS_H
#define BOOT_HOST_CAPS_H

#include "lib/base/err.h"

/* Call once nothing needs more: after the device node and the sysctls. Calling it twice is allowed;
 * without capabilities it does nothing. */
int caps_drop(struct err *e) MUST_CHECK;

enum caps_wanted {
	CAPS_MKNOD,
	CAPS_NET_ADMIN,
	CAPS_NET_BIND_SERVICE,
	CAPS_NET_RAW,
};

enum caps_reach {
	CAPS_HELD,
	CAPS_FOR_ROOT, /* the container has it, but not for our user */
	CAPS_ABSENT,
};

/* Whether a program that we start gets the capability: by uid 0, the ambient set, or its file.
 * program NULL: none in particular. */
enum caps_reach caps_of_child(enum caps_wanted wanted, const char *program);

/* -EPERM, with what to change in the container, when the firewall cannot be written. */
int caps_need_net_admin(struct err *e) MUST_CHECK;

#endif
