/*
 * Finds settings that `tailscale up` would refuse, before anything is started. Pure. Not used at a
 * start, where the tool itself decides.
 */
#ifndef BOOT_SETTINGS_ARGS_CHECK_H
#define BOOT_SETTINGS_ARGS_CHECK_H

#include "lib/base/err.h"

/* The value of TS_ROUTES. -EINVAL names the route. */
int args_check_routes(const char *routes, struct err *e) MUST_CHECK;

/* The value of a setting that is split at blanks into arguments. -EINVAL names the argument with a
 * quote, without its value, which may be secret. */
int args_check_words(const char *text, struct err *e) MUST_CHECK;

#endif
