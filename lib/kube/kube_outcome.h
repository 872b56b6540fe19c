/*
 * What an answer of the API server means for the one who asked: one table of verb, code and reason
 * of the Status. Pure.
 *
 *	switch (kube_outcome(reply, err)) {
 *	case KUBE_CONFLICT: ...
 */
#ifndef LIB_KUBE_KUBE_OUTCOME_H
#define LIB_KUBE_KUBE_OUTCOME_H

#include "lib/base/err.h"
#include "lib/kube/kube.h"

enum kube_outcome {
	KUBE_OK,           /* also: nothing left to delete */
	KUBE_NOT_FOUND,    /* no such object, kind or namespace */
	KUBE_EXISTS,       /* AlreadyExists: get it and compare its owner */
	KUBE_CONFLICT,     /* changed meanwhile, or another incarnation: read again */
	KUBE_GONE,         /* the version or the page asked for has expired: list again */
	KUBE_INVALID,      /* not before the input changes */
	KUBE_TOO_LARGE,    /* the same, for its size */
	KUBE_UNAUTHORIZED, /* the credential is not accepted */
	KUBE_FORBIDDEN,    /* a permission is missing */
	KUBE_TOO_MANY,     /* after the pause that was asked for */
	KUBE_UNAVAILABLE,  /* no answer, or the server is not able to now: with back-off */
	KUBE_REFUSED,      /* all else: not before something changes */
};

enum kube_outcome kube_outcome(const struct kube_reply *reply, const struct err *err);
/* Of a Status document, for example in an ERROR event of a watch. */
enum kube_outcome kube_outcome_of_status(enum kube_verb verb, const struct json *status);
/* The table. reason is NULL when there is none. */
enum kube_outcome kube_outcome_find(enum kube_verb verb, int code, const char *reason);
/* "Conflict": for logs and metrics. */
const char *kube_outcome_name(enum kube_outcome outcome);
/* The reason of a Status, borrowed; NULL when there is none. */
const char *kube_outcome_reason(const struct json *status);

#endif
