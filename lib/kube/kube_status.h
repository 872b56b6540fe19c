/*
 * Classifies an answer of the API server: pure. The `code` of a Status body counts more than the
 * HTTP status, because proxies rewrite the latter.
 */
#ifndef LIB_KUBE_KUBE_STATUS_H
#define LIB_KUBE_KUBE_STATUS_H

#include <stddef.h>

#include "lib/base/err.h"

struct json;

/* 0 for success (200, 201, 202, 204), *body then holds the parsed document, to be freed by the
 * caller; there need not be one with 204. -EAGAIN when it is not JSON. Else the error; *body may
 * hold the Status. *code receives the code that was used. */
int kube_status_classify(int status, const char *text, size_t len, struct json **body, int *code,
	struct err *e) MUST_CHECK;

#endif
