/*
 * Control planes of tailnets behind one interface: Tailscale and Headscale from 0.30 by API v2,
 * Headscale 0.28 and 0.29 by API v1. What a control plane cannot do is CONTROL_UNSUPPORTED, as the
 * probe has found it.
 *
 * One struct control per tailnet: its token, its limiter, its pause after a 429. Calls answer
 * through the loop exactly once, never from within the call that starts them, unless cancelled.
 * Calls that may be repeated (reading, deleting) are retried inside at most twice; the creation of
 * a key never is, since a lost answer may have made one.
 *
 *	struct control *c = control_new(loop, fetcher, resolver, &options, &e);
 *	call = control_probe(c, on_probe, me);
 */
#ifndef LIB_CONTROL_CONTROL_H
#define LIB_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"

#define CONTROL_CONNECT_MS 10000
#define CONTROL_TIMEOUT_MS 60000
#define CONTROL_RETRY_AFTER_MAX_MS 300000
#define CONTROL_RATE 50 /* requests a second and tailnet; halved by a 429, recovering */
#define CONTROL_BURST 100
#define CONTROL_ITEM_MAX (64u * 1024) /* of one device or key in a list; a list has no cap */
#define CONTROL_DESCRIPTION_MAX 50

struct control;
struct control_call;
struct fetcher;
struct loop;
struct resolver;

enum control_kind {
	CONTROL_TAILSCALE,
	CONTROL_HEADSCALE,
};

/* What an answer means for the one who asked. */
enum control_outcome {
	CONTROL_OK,           /* also: nothing left to delete */
	CONTROL_NOT_FOUND,    /* no such object, or the tailnet is another one's */
	CONTROL_UNAUTHORIZED, /* the credential is not accepted (Headscale v1: twice, 5 s apart) */
	CONTROL_FORBIDDEN,    /* a permission is missing: control_scope names it */
	CONTROL_INVALID,      /* not before the input changes */
	CONTROL_LIMITED,      /* after retry_after_ms */
	CONTROL_UNAVAILABLE,  /* no answer, or none that can be understood: with back-off */
	CONTROL_UNSUPPORTED,  /* this control plane cannot do it */
};

const char *control_outcome_name(enum control_outcome outcome); /* "Unauthorized" */

enum control_api {
	CONTROL_API_UNKNOWN, /* before a successful probe */
	CONTROL_API_TAILSCALE_V2,
	CONTROL_API_HEADSCALE_V2,
	CONTROL_API_HEADSCALE_V1,
};

const char *control_api_name(enum control_api api); /* "tailscale-v2"; "" when unknown */

/* All texts are copied. "" and NULL are the same. */
struct control_options {
	enum control_kind kind;
	const char *name;      /* of the tailnet object: for errors and metrics */
	const char *api_url;   /* https://api.tailscale.com, https://headscale.example.net */
	const char *tailnet;   /* segment of the path; "" = "-" */
	const char *client_id; /* with client_secret, or api_key alone */
	const struct secret *client_secret;
	const struct secret *api_key;
	const char *ca_pem; /* further roots, "" = those of the system alone */
	const char *proxy;  /* HTTPS_PROXY as of the environment, "" = none */
	const char *no_proxy;
	uint32_t second_401_ms; /* 0 = 5000; of Headscale v1 */
	uint32_t timeout_ms;    /* of a call with all its tries; 0 = CONTROL_TIMEOUT_MS */
};

struct control_capabilities {
	enum control_api api;
	char server_version[64]; /* "" when it does not say */
	bool vip_services;
	bool certificates;
};

/* -EINVAL for an URL, credential or PEM text that cannot be used, naming it. loop, fetcher (one of
 * lib/io/fetch_http2.h) and resolver are borrowed. */
struct control *control_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct control_options *options, struct err *e) MUST_CHECK;
void control_free(struct control *c); /* NULL is accepted; cancels all calls; wipes */

struct control_result {
	enum control_outcome outcome;
	int status;              /* of HTTP, 0 without an answer */
	uint64_t retry_after_ms; /* of CONTROL_LIMITED */
};

/* err is NULL for CONTROL_OK, else a sentence with the server's own message; never a secret. */
typedef void (*control_fn)(void *arg, const struct control_result *result, const struct err *err);

/* Finds the API and the version, and proves the credential. */
struct control_call *control_probe(struct control *c, control_fn fn, void *arg);
const struct control_capabilities *control_capabilities(const struct control *c);
/* The scope that a call needs: "auth_keys", "devices:core", "services"; "" for Headscale v1. */
const char *control_scope(const struct control *c, const char *operation);

struct control_key_request {
	const struct strv *tags;
	uint32_t expiry_s;
	bool ephemeral;
	const char *description; /* reduced to letters, digits, space and hyphen, and cut */
};

/* Both are borrowed until the return. */
struct control_key {
	const char *id;
	const struct secret *key;
};

/* key is NULL unless CONTROL_OK. Single use, pre-authorised. */
typedef void (*control_key_fn)(void *arg, const struct control_key *key,
	const struct control_result *result, const struct err *err);
struct control_call *control_create_key(
	struct control *c, const struct control_key_request *request, control_key_fn fn, void *arg);
struct control_call *control_delete_key(
	struct control *c, const char *id, control_fn fn, void *arg);

/* Borrowed until the return. */
struct control_device {
	const char *id;       /* what control_delete_device takes, as device_id of a state Secret */
	const char *name;     /* FQDN, or the given name alone (Headscale) */
	const char *hostname; /* as the device reports it */
	const struct strv *addresses;
	const struct strv *tags;
	const char *key_id; /* that it was registered with; "" when unknown */
	bool is_shared;     /* from another tailnet */
	bool is_online;
};

struct control_devices {
	void (*on_device)(void *arg, const struct control_device *device);
	control_fn on_end;
	void *arg;
};

/* Decoded one by one as the list arrives. */
struct control_call *control_list_devices(struct control *c, const struct control_devices *sink);
/* An empty id is never sent: CONTROL_INVALID. */
struct control_call *control_delete_device(
	struct control *c, const char *id, control_fn fn, void *arg);

/* NULL is accepted. The handle is invalid after this, and after the callback. */
void control_cancel(struct control_call *call);

/* For metrics: called for each answer of a request. operation: "create_key"; code "200", "0". */
typedef void (*control_trace_fn)(void *arg, const char *tailnet, const char *operation, int status);
void control_set_trace(struct control *c, control_trace_fn fn, void *arg);

#endif
