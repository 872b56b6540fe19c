/*
 * The forwarding switches of the kernel, needed by subnet routers and proxies in kernel mode. Only
 * the switches of the families in use are touched, and only when they are off: container runtimes
 * mount /proc/sys read-only, which does not matter if the values are already right.
 */
#ifndef BOOT_HOST_SYSCTL_H
#define BOOT_HOST_SYSCTL_H

#include <stdbool.h>

#include "lib/base/err.h"

struct settings;

struct sysctl_need {
	bool ipv4;
	bool ipv6;
};

/* Which families the settings need; none in userspace mode. Pure. -EINVAL names the bad target or
 * route. */
int sysctl_forwarding_need(
	const struct settings *s, struct sysctl_need *need, struct err *e) MUST_CHECK;

/* Switches forwarding on, below the root of the settings. -EACCES, -EROFS, -ENOENT … name the file.
 */
int sysctl_enable_forwarding(
	const struct settings *s, const struct sysctl_need *need, struct err *e) MUST_CHECK;

/* Whether the needed switches are on; false also when one cannot be read. */
bool sysctl_is_forwarding(const struct settings *s, const struct sysctl_need *need);

/* 0 when all switches that are off can be written. */
int sysctl_may_enable(
	const struct settings *s, const struct sysctl_need *need, struct err *e) MUST_CHECK;

/* The step of the start-up: both of the above. On failure the reason is logged and the error is the
 * fatal line: it names the setting that cannot be read, or says what to change in the container. */
int sysctl_prepare(const struct settings *s, struct err *e) MUST_CHECK;

#endif
