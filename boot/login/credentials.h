/*
 * The keys that the node can log in with, from wherever they come, and the mask that keeps them out
 * of whatever is shown. Starts nothing.
 */
#ifndef BOOT_LOGIN_CREDENTIALS_H
#define BOOT_LOGIN_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/login/mask.h"
#include "lib/base/err.h"
#include "lib/base/secret.h"

struct settings;

struct credentials {
	const struct settings *settings_ref;
	struct secret stored; /* found in the state Secret */
	struct secret config; /* of the configuration file as read last; unset without one */
	bool has_extra;       /* among the extra arguments of `tailscale up` */
	struct mask mask;     /* of all of them */
};

/* Reads the configuration file; one that cannot be read counts as one without a key. */
void credentials_init(struct credentials *c, const struct settings *settings);
void credentials_fini(struct credentials *c); /* wipes; zeroed is accepted */
void credentials_set_stored(struct credentials *c, const char *value, size_t len);
/* Reads the configuration file again. On failure the key of before stays. */
int credentials_read_config(struct credentials *c, struct err *e) MUST_CHECK;
/* There is something that `tailscale up` can log in with. */
bool credentials_are_given(const struct credentials *c);

#endif
