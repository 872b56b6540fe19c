/*
 * Internals of lib/control, shared by its own files only.
 *
 * control.c           a control plane: options, life
 * control_call.c      what callers start; answers
 * control_probe.c     the one call of several requests
 * control_exchange.c  one request until it has an outcome: pace, token, repetition
 * control_token.c     the token of OAuth client credentials
 * control_transfer.c  one request on its way: name, addresses, proxy
 */
#ifndef LIB_CONTROL_CONTROL_INTERNAL_H
#define LIB_CONTROL_CONTROL_INTERNAL_H

#include "lib/control/control.h"
#include "lib/control/control_driver.h"
#include "lib/control/control_limiter.h"
#include "lib/control/control_list.h"
#include "lib/control/control_outcome.h"
#include "lib/control/control_trust.h"
#include "lib/io/fetch_stream.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"

#define CONTROL_REPLY_MAX (1024u * 1024) /* of an answer that is no list */

struct control_exchange;
struct control_transfer;

struct control_token {
	struct secret text;
	uint64_t generation;            /* counts each new one */
	uint64_t refresh_ms;            /* clock_boot_ms: fetch another from then on */
	uint64_t end_ms;                /* it is over */
	struct control_request request; /* for one, with the client's secret */
	struct control_transfer *fetching;
	struct control_exchange *waiting;
};

struct control {
	struct loop *loop_ref;
	struct fetcher *fetcher_ref;
	struct resolver *resolver_ref;
	enum control_kind kind;
	const struct control_driver *driver;
	char *name;
	char *base; /* URL without a slash at its end */
	char *host; /* to be resolved: the API's, or the proxy's */
	char *proxy;
	char *tailnet; /* escaped */
	char *client_id;
	struct secret client_secret;
	struct secret api_key;
	struct control_trust trust;
	struct control_capabilities capabilities;
	struct control_limiter limiter;
	struct control_token token;
	struct ipaddr first; /* the address to begin with, which answered last */
	struct control_call *calls;
	uint32_t second_401_ms;
	uint32_t timeout_ms;
	control_trace_fn trace;
	void *trace_arg;
};

/* control.c */
void control_hide_secrets(const struct control *c, char *text);

/* control_call.c */
void control_call_cancel_all(struct control *c);

/* control_transfer.c */

struct control_transfer_request {
	enum control_operation operation;
	const struct control_request *request;
	const struct secret *bearer; /* NULL = none */
	struct control_list *list;   /* what reads a 2xx answer as it comes; NULL = none */
	uint32_t timeout_ms;
};

/* As fetch_fn. Called exactly once, never from within the start, unless cancelled. */
struct control_transfer *control_transfer_start(struct control *c,
	const struct control_transfer_request *what, fetch_fn fn, void *arg) MUST_CHECK;
void control_transfer_cancel(struct control_transfer *t); /* NULL is accepted */

/* control_exchange.c */

/* reply is NULL unless the outcome is CONTROL_OK of an answer that is no list. */
typedef void (*control_exchange_fn)(void *arg, const struct control_result *result,
	const struct fetch_reply *reply, const struct err *err);

struct control_exchange_request {
	enum control_operation operation;
	struct control_request request; /* consumed */
	struct control_list *list;      /* borrowed */
	bool is_open;                   /* without a credential */
	bool is_token_only;             /* no request: a token is all that is wanted */
};

struct control_exchange *control_exchange_start(struct control *c,
	struct control_exchange_request *what, control_exchange_fn fn, void *arg) MUST_CHECK;
void control_exchange_cancel(struct control_exchange *x); /* NULL is accepted */
/* From control_token.c: there is a token, or the failure says why there is none. */
void control_exchange_token_ready(
	struct control_exchange *x, const struct control_result *failed, const struct err *err);
struct control_exchange **control_exchange_next(struct control_exchange *x);

/* control_token.c */

int control_token_init(struct control *c, struct err *e) MUST_CHECK;
/* Whether a token is at hand; else the exchange is called when there is one. */
bool control_token_get(struct control *c, struct control_exchange *x);
void control_token_leave(struct control *c, struct control_exchange *x); /* it waits no longer */
/* The server has refused the token of that generation. */
void control_token_drop(struct control *c, uint64_t generation);
void control_token_fini(struct control *c);

/* control_classify.c: what an answer means, and a sentence about it. */
void control_classify(struct control *c, enum control_operation operation,
	const struct fetch_reply *reply, const struct err *failure, struct control_result *result,
	struct err *e);

/* control_probe.c */
struct control_probe;
struct control_probe *control_probe_start(struct control *c, control_fn fn, void *arg) MUST_CHECK;
void control_probe_cancel(struct control_probe *p); /* NULL is accepted */

#endif
