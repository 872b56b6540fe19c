/*
 * Command lines and the environment of the children, from the settings. Pure: starts nothing.
 *
 * The order of arguments is fixed, because command lines are compared byte by byte.
 */
#ifndef BOOT_SETTINGS_ARGS_H
#define BOOT_SETTINGS_ARGS_H

#include <stdbool.h>

#include "lib/base/secret.h"
#include "lib/base/str.h"

struct settings;

/* Arguments after argv[0] are added to out. config_path "" without a configuration file. */
void args_tailscaled(const struct settings *s, const char *config_path, struct strv *out);

/* stored_authkey is the key found in the state Secret, used when the settings have none; NULL or
 * unset = none. out then holds secrets: end it with strv_wipe(). */
void args_tailscale_up(
	const struct settings *s, const struct secret *stored_authkey, struct strv *out);
void args_tailscale_set(const struct settings *s, struct strv *out);

/* The environment of tailscaled when it differs from env_ref: adds TS_CERT_SHARE_MODE, and
 * TS_SERVE_ALLOW_ALL_INTERFACES if traffic of the cluster must reach the served content (since
 * 1.104 the listeners are bound to the tunnel) and the variable is not set. Returns false and adds
 * nothing when the environment can be inherited unchanged. out holds copies of secrets in the
 * environment: end it with strv_wipe(). */
bool args_tailscaled_env(const struct settings *s, char *const *env_ref, struct strv *out);

#endif
