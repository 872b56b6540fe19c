/*
 * Internals of the client, shared by the files of lib/kube that make requests.
 *
 * kube.c         the client
 * kube_call.c    life of a request: name, addresses, token, answer
 * kube_stream.c  answers passed on as they come
 */
#ifndef LIB_KUBE_KUBE_INTERNAL_H
#define LIB_KUBE_KUBE_INTERNAL_H

#include "lib/io/fetch.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_access.h"
#include "lib/kube/kube_stream.h"

struct kube {
	struct loop *loop_ref;
	struct fetcher *fetcher_ref;
	struct fetcher *watch_fetcher_ref; /* of watches; NULL = fetcher_ref */
	struct resolver *resolver_ref;
	char *host;
	char *url_base; /* https://host:port and a prefix of paths */
	struct kube_access *access;
	struct kube_call *calls;
	struct ipaddr first; /* the address to begin with, which answered last */
	uint64_t request_count;
	uint32_t retry_after_max_ms;
};

struct kube_call {
	struct kube *kube;
	struct fetcher *fetcher_ref;
	struct kube_call *next, **link;
	enum kube_verb verb;
	char *method;
	char *url;
	char *path; /* without query: for error texts */
	char *content_type;
	char *body;
	uint32_t timeout_ms;
	uint64_t deadline_ms; /* over the look-up and all tries */
	bool tried_new_token;
	uint64_t generation; /* of the credential that was sent */
	struct resolve *resolve;
	struct resolve_answer addresses;
	size_t address_next;     /* of those, the one to try next */
	struct err last_failure; /* of an address; code 0: none */
	struct fetch *fetch;
	/* Sends a try whose answer is not to be collected; NULL = fetch_start. */
	struct fetch *(*open)(struct kube_call *call, struct fetch_request *request, struct err *e);
	struct kube_stream_sink sink; /* of such a try */
	struct timer failed;          /* delivers a failure to start */
	struct err failure;
	kube_fn fn;
	void *arg;
};

/* Not yet begun; fn, arg and open may still be set. */
struct kube_call *kube_call_new(struct kube *k, const struct kube_request *request);
void kube_call_begin(struct kube_call *call);
/* The end of a try; its argument is the call. */
void kube_call_on_reply(void *arg, const struct fetch_reply *got, const struct err *err);

#endif
