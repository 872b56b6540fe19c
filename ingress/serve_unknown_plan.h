/*
 * Unknown members of a serve config: most likely misspelt, and silently ignored by the daemon.
 * Pure.
 */
#ifndef INGRESS_SERVE_UNKNOWN_PLAN_H
#define INGRESS_SERVE_UNKNOWN_PLAN_H

#include "lib/base/str.h"

struct json;

#define SERVE_UNKNOWN_MAX 8 /* more are not named */

/* Adds their paths, e.g. "TCP.443.HTPS". Names are case-insensitive, as in Go. */
void serve_unknown_find(const struct json *doc, struct strv *out);

#endif
