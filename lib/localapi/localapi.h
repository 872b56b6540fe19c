/*
 * The daemon's LocalAPI over its Unix socket: requests with a deadline, status mapped to errno,
 * and one typed call per endpoint in use. Callbacks are called from the loop exactly once, never
 * from within the call that starts the request, unless cancelled.
 *
 * The server refuses any Host but local-tailscaled.sock and any request with Referer or Origin; it
 * authorises by the peer's credentials.
 *
 *	call = localapi_prefs_get(api, on_prefs, me);
 *	...
 *	localapi_cancel(call); // on_prefs will not be called
 */
#ifndef LIB_LOCALAPI_LOCALAPI_H
#define LIB_LOCALAPI_LOCALAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define LOCALAPI_HOST "local-tailscaled.sock"
#define LOCALAPI_TIMEOUT_MS 10000
/* The daemon itself waits for an answer as long as the caller does. */
#define LOCALAPI_PING_TIMEOUT_MS 1000
#define LOCALAPI_CERT_TIMEOUT_MS (30 * 60 * 1000)

struct fetcher;
struct ipaddr;
struct json;
struct localapi;
struct localapi_call;
struct loop;

struct localapi_reply {
	int status;       /* HTTP status, 0 when there was no answer */
	const char *body; /* NUL-terminated, borrowed for the callback */
	size_t len;
	const char *etag;        /* NULL when absent */
	uint64_t retry_after_ms; /* of a 429; 0 when absent */
	const struct strv *headers;
};

/* err is NULL for a 2xx answer. Otherwise it has the code of fetch_status_code, with the message of
 * the body's `Error` member or "STATUS: body", prefixed by "Access denied: " for 403 and
 * "Preconditions failed: " for 412; without an answer the transport's code. reply is never NULL. */
typedef void (*localapi_fn)(void *arg, const struct localapi_reply *reply, const struct err *err);

struct localapi *localapi_new(struct loop *loop, struct fetcher *fetcher, const char *socket_path);
void localapi_free(struct localapi *api); /* cancels what is under way */
const char *localapi_socket(const struct localapi *api);
struct fetcher *localapi_fetcher(const struct localapi *api);

struct localapi_request {
	const char *method;
	const char *path;           /* "/localapi/v0/…" with query */
	const struct strv *headers; /* additional header lines, may be NULL */
	const char *body;           /* NULL = none */
	uint32_t timeout_ms;        /* 0 = LOCALAPI_TIMEOUT_MS */
	size_t reply_max;           /* 0 = 1 MiB */
};

struct localapi_call *localapi_start(
	struct localapi *api, const struct localapi_request *request, localapi_fn fn, void *arg);
/* NULL is accepted. The handle is freed by this, and after the callback. */
void localapi_cancel(struct localapi_call *call);

/* GET status?peers=false, for AuthURL, HaveNodeKey, Self.Online. */
struct localapi_call *localapi_status(struct localapi *api, localapi_fn fn, void *arg);
/* The reply, of up to 16 MiB, is for lib/localapi/dns_config.h. */
struct localapi_call *localapi_dns_config(struct localapi *api, localapi_fn fn, void *arg);
struct localapi_call *localapi_serve_get(struct localapi *api, localapi_fn fn, void *arg);
/* Unconditional POST of a serve config document. */
struct localapi_call *localapi_serve_set(
	struct localapi *api, const char *config, localapi_fn fn, void *arg);
struct localapi_call *localapi_prefs_get(struct localapi *api, localapi_fn fn, void *arg);
/* PATCH prefs with AdvertiseServices (NULL or empty = null) and AdvertiseServicesSet. */
struct localapi_call *localapi_advertise(
	struct localapi *api, const struct strv *services, localapi_fn fn, void *arg);
struct localapi_call *localapi_disconnect_control(struct localapi *api, localapi_fn fn, void *arg);
/* An empty body or a non-empty `Err` becomes an error; the reply's body is {"Reloaded":bool}. */
struct localapi_call *localapi_reload_config(struct localapi *api, localapi_fn fn, void *arg);
/* A non-empty `Warning` becomes an error. */
struct localapi_call *localapi_udp_gro(struct localapi *api, localapi_fn fn, void *arg);
struct localapi_call *localapi_cert_domains(struct localapi *api, localapi_fn fn, void *arg);
/* The reply's PEM is kept only by the daemon. */
struct localapi_call *localapi_cert(
	struct localapi *api, const char *domain, localapi_fn fn, void *arg);
/* Resumes a subscription that the daemon has suspended (since 1.104): 204, or 404 when the session
 * no longer exists. */
struct localapi_call *localapi_resume_bus(
	struct localapi *api, const char *session_id, localapi_fn fn, void *arg);
/* Sets the token for push messages, which is sent to the control server; letters and digits. */
struct localapi_call *localapi_push_token(
	struct localapi *api, const char *token, localapi_fn fn, void *arg);
/* A ping to an address of a peer or behind one; answered when the peer has answered. Type "TSMP" is
 * inside the tunnel and sends the daemon's discovery key to the peer, "disco" tries all direct
 * paths. -EHOSTUNREACH when no peer has the address. */
struct localapi_call *localapi_ping(struct localapi *api, const struct ipaddr *to, const char *type,
	uint32_t timeout_ms, localapi_fn fn, void *arg);
struct localapi_call *localapi_user_metrics(struct localapi *api, localapi_fn fn, void *arg);

#endif
