/*
 * What all groups have in common: options of the program.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_SETTINGS_H
#define CONTROLLER_PROXYGROUP_GROUP_SETTINGS_H

#include <stdint.h>

#define GROUP_KEY_EXPIRY_S 3600
#define GROUP_TOKEN_MS 30000 /* a replacement of a key for each of these, beyond the first ones */
#define GROUP_REFUSED_MS 300000
#define GROUP_GRACE_S 360 /* of a pod: terminationGracePeriodSeconds */
#define GROUP_NAME_MAX 48 /* names of children stay legal */
#define GROUP_PREFIX_MAX 62
#define GROUP_SLOTS 4 /* config Secrets are mounted in steps of these */

struct group_settings {
	const char *image;
	const char *firewall_mode; /* "" = the supervisor's choice */
	const char *cluster_domain;
	const char *made_by; /* version of the program and what it puts into templates */
	uint32_t finalizer_timeout_s;
	uint32_t token_ms;   /* 0 = GROUP_TOKEN_MS */
	uint32_t refused_ms; /* until what a control plane has refused is tried again */
};

#endif
