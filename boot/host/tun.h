/*
 * The TUN device: makes the node that kernel mode needs, as some container runtimes do not, and
 * knows the name of the device.
 */
#ifndef BOOT_HOST_TUN_H
#define BOOT_HOST_TUN_H

#include "lib/base/err.h"

/* How a container gets the device. */
#define TUN_REMEDY                                                                         \
	"give it the device (Kubernetes: a device plugin or privileged, Docker: --device " \
	"/dev/net/tun)"

/* The name of tailscaled's device in kernel mode, unless its own arguments name another. */
#define TUN_NAME "tailscale0"

struct settings;

/* In kernel mode makes dev/net/tun below the test root unless a file of any type is there; in
 * userspace mode does nothing. The sentence is the one for the fatal line. Needs CAP_MKNOD when it
 * has to act. */
int tun_ensure(const struct settings *s, struct err *e) MUST_CHECK;

/* The device that tailscaled makes, by the settings and its own arguments (--tun in
 * TS_TAILSCALED_EXTRA_ARGS); NULL when it makes none, or a bridged one (tap:). Pure. Caller
 * frees. */
char *tun_name(const struct settings *s);

#endif
