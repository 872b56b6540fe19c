/*
 * The keys that the node can log in with, from all sources, and the mask that keeps them out of
 * published texts. Starts nothing.
 */
#ifndef BOOT_LOGIN_CREDENTIALS_H
#define BOOT_LOGIN_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/output/mask.h"
#include "lib/base/err.h"
#include "lib/base/secret.h"

struct settings;

struct credentials {
	const struct settings *settings_ref;
	struct secret stored; /* found in the state Secret */
	bool has_extra;       /* among the extra arguments of `tailscale up` */
	struct mask mask;     /* of all of them */
};

void credentials_init(struct credentials *c, const struct settings *settings);
void credentials_fini(struct credentials *c); /* wipes; zeroed is accepted */
/* False when it is the known one. */
bool credentials_set_stored(struct credentials *c, const char *value, size_t len);
/* A key of the daemon's configuration file, for the mask: the daemon itself logs in with it. */
void credentials_mask_config(struct credentials *c, const struct secret *authkey);
/* Whether there is a key for `tailscale up` to log in with. */
bool credentials_are_given(const struct credentials *c);

#endif
