/*
 * The version that a Headscale gives of itself. Pure.
 */
#ifndef LIB_CONTROL_CONTROL_VERSION_H
#define LIB_CONTROL_CONTROL_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/* {"version":"v0.29.3"}: the text without its "v"; -EPROTO for an answer that is none. */
int control_version_read(
	const char *body, size_t len, char *out, size_t size, struct err *e) MUST_CHECK;
/* False for versions before 0.28. "dev" and 0.0 are builds of one's own. */
bool control_version_is_known(const char *version);

#endif
