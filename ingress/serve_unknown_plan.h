/*
 * Members of a serve config that nobody knows: most likely misspelt, and passed over in silence by
 * the daemon. Pure.
 */
#ifndef INGRESS_SERVE_UNKNOWN_PLAN_H
#define INGRESS_SERVE_UNKNOWN_PLAN_H

#include "lib/base/str.h"

struct json;

#define SERVE_UNKNOWN_MAX 8 /* more are not named */

/* Adds their paths, e.g. "TCP.443.HTPS". Names compare without regard to case, as in Go. */
void serve_unknown_find(const struct json *doc, struct strv *out);

#endif
