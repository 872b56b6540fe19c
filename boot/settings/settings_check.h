/*
 * Rejects settings, in a fixed order of tests: the first fault is reported. Pure: reads only the
 * struct.
 *
 * Faults of the daemon's configuration file are reported before these, see
 * boot/config/daemon_config.h. The texts are those of the reference; the caller adds the prefix.
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

/* Addresses, features that need Kubernetes, durations and numbers. To be called after the previous
 * one has passed. */
int settings_check_values(const struct settings *s, struct err *e) MUST_CHECK;

#endif
