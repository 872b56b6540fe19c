/*
 * What is not allowed in the settings, in the order in which it is tested: the first fault found is
 * the one that is reported. Pure: looks at nothing but the struct.
 *
 * The faults of the daemon's configuration file come before these, see boot/config/daemon_config.h.
 * Sentences are the reference's; the caller adds the prefix.
 */
#ifndef BOOT_SETTINGS_SETTINGS_CHECK_H
#define BOOT_SETTINGS_SETTINGS_CHECK_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

struct settings;

#define SETTINGS_POD_IPS_MAX 2

/* Parses POD_IPS; count is 0 when it is not set. */
int settings_check_pod_ips(const struct settings *s, struct ipaddr out[static SETTINGS_POD_IPS_MAX],
	size_t *count, struct err *e) MUST_CHECK;

/* Combinations of targets, of modes and of ways to log in. */
int settings_check_modes(const struct settings *s, struct err *e) MUST_CHECK;

/* Addresses, what only works in Kubernetes, durations and numbers. To be called after the previous
 * one has passed. */
int settings_check_values(const struct settings *s, struct err *e) MUST_CHECK;

#endif
