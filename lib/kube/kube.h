/*
 * Kubernetes API client, only as much as the supervisor and its companion use: service-account
 * files, one request with status table, retry advice. Requests answer through the loop exactly
 * once, never from within the call that starts them, unless cancelled.
 *
 * The token is read for each request when its file has changed since (kubelet rotates it), and once
 * more after a 401, which is retried once when there is another token then. The CA is re-read when
 * its file changes. The API server's name is resolved by our resolver, never by libcurl; when one
 * of several addresses does not answer, for any reason, the next is tried within the time of the
 * request. The next request begins with the address that answered.
 *
 *	struct kube *k = kube_new(loop, fetcher, resolver, &options, e);
 *	call = kube_secret_get(k, "tailscale", on_secret, me);
 */
#ifndef LIB_KUBE_KUBE_H
#define LIB_KUBE_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define KUBE_TIMEOUT_MS 10000
#define KUBE_RETRY_AFTER_MAX_MS 60000
#define KUBE_REPLY_MAX (4u * 1024 * 1024) /* a Secret may hold 1 MiB before base64 */

#define KUBE_TYPE_JSON "application/json"
#define KUBE_TYPE_STRATEGIC_MERGE "application/strategic-merge-patch+json"

/* What a request does; lib/kube/kube_outcome.h needs to know it. */
enum kube_verb {
	KUBE_OTHER,
	KUBE_GET,
	KUBE_LIST,
	KUBE_WATCH,
	KUBE_CREATE,
	KUBE_UPDATE,
	KUBE_PATCH,
	KUBE_APPLY,
	KUBE_DELETE,
	KUBE_DELETE_MANY,
};

struct fetcher;
struct json;
struct kube;
struct kube_access;
struct kube_call;
struct loop;
struct resolver;

struct kube_options {
	const char *account_dir; /* …/serviceaccount with namespace, ca.crt, token */
	const char *host;        /* NULL or "" = kubernetes.default.svc; IPv6 with or without [] */
	const char *port;        /* NULL or "" = 443 */
	/* Another source than a folder, as lib/kube/kube_config.h makes it; owned by the client
	 * from now on, also after a failure. */
	struct kube_access *access_take;
	const char *path_prefix;      /* before all paths; NULL = none */
	const char *certificate_name; /* of the server, if it is not the host; NULL = it is */
};

/* Reads the files. -ENOENT for a missing one; -EINVAL `kube: error in creating root cert pool` for
 * a CA file without a certificate. loop, fetcher and resolver are borrowed. */
struct kube *kube_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct kube_options *options, struct err *e) MUST_CHECK;
void kube_free(struct kube *k); /* cancels requests under way */
/* The fetcher of watches that begin from now on, borrowed; NULL = that of all others. */
void kube_use_for_watches(struct kube *k, struct fetcher *fetcher);
const char *kube_namespace(const struct kube *k);
/* The namespace of the Pod, where no client can be made: caller frees. NULL with the error set. */
char *kube_read_namespace(const char *account_dir, struct err *e) MUST_CHECK;
/* A Retry-After is obeyed up to this; KUBE_RETRY_AFTER_MAX_MS until the first call. */
void kube_limit_retry_after(struct kube *k, uint32_t max_ms);
/* Requests sent since the start, retries included. */
uint64_t kube_request_count(const struct kube *k);

struct kube_reply {
	int status; /* HTTP status, 0 when there was no answer */
	int code;   /* `code` of a Status body when there is one, else the HTTP status */
	const struct json *body; /* parsed, borrowed; NULL when there is none or it is not JSON */
	/* Pause that the server requested, capped and spread so that clients do not all return at
	 * once; 0 when it requested none. */
	uint64_t retry_after_ms;
	enum kube_verb verb; /* of the request */
};

/* err is NULL for 200, 201, 202 and 204. Else it has the code of fetch_status_code
 * (lib/io/fetch.h) for `code`, with the Status message or, when the body is not JSON, the status
 * and the beginning of the text; without an answer the transport's code. reply is never NULL. */
typedef void (*kube_fn)(void *arg, const struct kube_reply *reply, const struct err *err);

struct kube_request {
	enum kube_verb verb;
	const char *method;
	const char *path;         /* with query */
	const char *content_type; /* of the body; NULL = KUBE_TYPE_JSON */
	const char *body;         /* NULL = none; copied, wiped after use */
	uint32_t timeout_ms;      /* for the whole call, tries included; 0 = KUBE_TIMEOUT_MS */
};

struct kube_call *kube_start(
	struct kube *k, const struct kube_request *request, kube_fn fn, void *arg);
/* NULL is accepted. The handle is invalid after this, and after the callback. */
void kube_cancel(struct kube_call *call);

/* SelfSubjectAccessReview for a verb on one Secret of our namespace; the answer to a reply without
 * error. */
struct kube_call *kube_review_secret(
	struct kube *k, const char *secret, const char *verb, kube_fn fn, void *arg);
bool kube_review_allowed(const struct kube_reply *reply);

#endif
