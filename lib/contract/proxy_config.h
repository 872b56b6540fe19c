/*
 * The daemon's configuration file of a proxy in a group, as a controller writes it into the
 * replica's Secret. Its members are in a fixed order, so that texts are equal when contents are.
 * Pure; holds an auth key, so texts are secrets.
 *
 *	struct secret text = {0};
 *	proxy_config_print(&config, &text);
 */
#ifndef LIB_CONTRACT_PROXY_CONFIG_H
#define LIB_CONTRACT_PROXY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"

/* Key of the Secret, and name of the file: for daemons of this capability version and newer. */
#define PROXY_CONFIG_KEY "cap-106.hujson"
/* Directory of the files of a replica, by the name of its pod. */
#define PROXY_CONFIG_DIR "/etc/tsconfig"

/* Valid when zeroed. */
struct proxy_config {
	char *server_url; /* NULL or "" = the daemon's default */
	struct secret authkey;
	char *hostname; /* NULL and "" are the same */
	bool accept_routes;
	struct strv services; /* AdvertiseServices */
};

void proxy_config_print(const struct proxy_config *c, struct secret *out);
/* Reads such a text; unknown members are ignored. Replaces *out; unchanged on failure. -EINVAL with
 * the member that is wrong, -EMSGSIZE; never a value. */
int proxy_config_parse(
	const char *text, size_t len, struct proxy_config *out, struct err *e) MUST_CHECK;
void proxy_config_fini(struct proxy_config *c); /* wipes */

#endif
