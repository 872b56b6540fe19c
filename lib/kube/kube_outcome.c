#include "lib/kube/kube_outcome.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define VERB(verb) (1u << (verb))
#define ANY (~0u)
#define DELETES (VERB(KUBE_DELETE) | VERB(KUBE_DELETE_MANY))
#define READS (VERB(KUBE_LIST) | VERB(KUBE_WATCH))
/* A cause inside a Status of another reason. */
#define FUTURE_VERSION "ResourceVersionTooLarge"
/* Server-side apply of a document that does not fit the schema, or has a value that is none: a
 * failure without a reason, and with the code of an internal error. */
#define NOT_OF_SCHEMA "failed to create typed patch object"
#define NO_VALUE "failed to convert new"

struct row {
	unsigned int verbs;
	int from, to; /* codes; 0 = any */
	const char *reason;
	enum kube_outcome outcome;
};

/* The first row that fits counts. Reasons come first: the code of an answer may be a proxy's. */
static const struct row rows[] = {
	{DELETES, 404, 404, NULL, KUBE_OK},
	{DELETES, 0, 0, "NotFound", KUBE_OK},
	/* The server's own history is behind ours, as after a restored backup. */
	{READS, 0, 0, FUTURE_VERSION, KUBE_GONE},
	{ANY, 0, 0, "AlreadyExists", KUBE_EXISTS},
	{ANY, 0, 0, "Conflict", KUBE_CONFLICT},
	{ANY, 0, 0, "Expired", KUBE_GONE},
	{ANY, 0, 0, "Gone", KUBE_GONE},
	{ANY, 0, 0, "Invalid", KUBE_INVALID},
	{ANY, 0, 0, "RequestEntityTooLarge", KUBE_TOO_LARGE},
	{ANY, 0, 0, "NotFound", KUBE_NOT_FOUND},
	{ANY, 0, 0, "Unauthorized", KUBE_UNAUTHORIZED},
	{ANY, 0, 0, "Forbidden", KUBE_FORBIDDEN},
	{ANY, 0, 0, "TooManyRequests", KUBE_TOO_MANY},
	{ANY, 0, 0, "ServerTimeout", KUBE_UNAVAILABLE},
	{ANY, 0, 0, "Timeout", KUBE_UNAVAILABLE},
	{ANY, 0, 0, "StoreReadError", KUBE_UNAVAILABLE},
	{ANY, 401, 401, NULL, KUBE_UNAUTHORIZED},
	{ANY, 403, 403, NULL, KUBE_FORBIDDEN},
	{ANY, 404, 404, NULL, KUBE_NOT_FOUND},
	{ANY, 408, 408, NULL, KUBE_UNAVAILABLE},
	{VERB(KUBE_CREATE), 409, 409, NULL, KUBE_EXISTS},
	{ANY, 409, 409, NULL, KUBE_CONFLICT},
	{ANY, 410, 410, NULL, KUBE_GONE},
	{ANY, 412, 412, NULL, KUBE_CONFLICT},
	{ANY, 413, 413, NULL, KUBE_TOO_LARGE},
	{ANY, 422, 422, NULL, KUBE_INVALID},
	{ANY, 429, 429, NULL, KUBE_TOO_MANY},
	{ANY, 500, 599, NULL, KUBE_UNAVAILABLE},
	{ANY, 300, 499, NULL, KUBE_REFUSED},
	/* No answer, or a success whose body is not the server's. */
	{ANY, 0, 0, NULL, KUBE_UNAVAILABLE},
};

static const char *const names[] = {
	[KUBE_OK] = "OK",
	[KUBE_NOT_FOUND] = "NotFound",
	[KUBE_EXISTS] = "AlreadyExists",
	[KUBE_CONFLICT] = "Conflict",
	[KUBE_GONE] = "Gone",
	[KUBE_INVALID] = "Invalid",
	[KUBE_TOO_LARGE] = "TooLarge",
	[KUBE_UNAUTHORIZED] = "Unauthorized",
	[KUBE_FORBIDDEN] = "Forbidden",
	[KUBE_TOO_MANY] = "TooManyRequests",
	[KUBE_UNAVAILABLE] = "Unavailable",
	[KUBE_REFUSED] = "Refused",
};

const char *kube_outcome_name(enum kube_outcome outcome)
{
	return names[outcome];
}

static bool fits(const struct row *row, enum kube_verb verb, int code, const char *reason)
{
	if ((row->verbs & VERB(verb)) == 0)
		return false;
	if (row->from != 0 && (code < row->from || code > row->to))
		return false;
	return row->reason == NULL || (reason != NULL && strcmp(row->reason, reason) == 0);
}

enum kube_outcome kube_outcome_find(enum kube_verb verb, int code, const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (fits(&rows[i], verb, code, reason))
			return rows[i].outcome;
	}
	return KUBE_UNAVAILABLE;
}

const char *kube_outcome_reason(const struct json *status)
{
	const struct json *causes = json_path(status, "details", "causes", NULL);
	for (const struct json *c = json_first(causes); c != NULL; c = json_next(c)) {
		const char *cause = json_str(json_get(c, "reason"));
		if (cause != NULL && strcmp(cause, FUTURE_VERSION) == 0)
			return cause;
	}
	const char *message = json_str(json_get(status, "message"));
	if (message != NULL &&
		(str_starts(message, NOT_OF_SCHEMA) || str_starts(message, NO_VALUE)))
		return "Invalid";
	const char *reason = json_str(json_get(status, "reason"));
	return reason != NULL && reason[0] != '\0' ? reason : NULL;
}

enum kube_outcome kube_outcome_of_status(enum kube_verb verb, const struct json *status)
{
	int64_t code = 0;
	if (!json_i64(json_get(status, "code"), &code) || code < 300 || code > 599)
		code = 0;
	return kube_outcome_find(verb, (int)code, kube_outcome_reason(status));
}

enum kube_outcome kube_outcome(const struct kube_reply *reply, const struct err *err)
{
	if (err == NULL)
		return KUBE_OK;
	int code = reply->code >= 300 ? reply->code : 0;
	return kube_outcome_find(
		reply->verb, code, code != 0 ? kube_outcome_reason(reply->body) : NULL);
}
