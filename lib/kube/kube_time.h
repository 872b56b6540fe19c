/*
 * Times as the API writes them (RFC 3339), pure.
 */
#ifndef LIB_KUBE_KUBE_TIME_H
#define LIB_KUBE_KUBE_TIME_H

#include <time.h>

#include "lib/base/err.h"

#define KUBE_TIME_MAX 40

/* "2026-01-31T23:59:59Z" */
void kube_time_format(time_t at, char out[KUBE_TIME_MAX]);
/* "2026-01-31T23:59:59.000000Z", as MicroTime wants it */
void kube_time_format_micro(time_t at, char out[KUBE_TIME_MAX]);
/* With or without a fraction, which does not count, and an offset. */
int kube_time_parse(const char *text, time_t *out, struct err *e) MUST_CHECK;

#endif
