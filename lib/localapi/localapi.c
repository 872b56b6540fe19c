#include "lib/localapi/localapi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/ipaddr.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/timer.h"

#define API "/localapi/v0/"
#define REPLY_MAX (1024u * 1024)
/* About 130 bytes per extra record of the tailnet. */
#define DNS_CONFIG_MAX (16 * REPLY_MAX)
/* A domain of 253 bytes, all of them escaped. */
#define NAME_MAX_ESCAPED (253 * 3)
/* Part of a non-JSON body that is quoted in an error's sentence. */
#define SHOWN_BODY_MAX 200

struct localapi {
	struct loop *loop_ref;
	struct fetcher *fetcher_ref;
	char *socket_path;
	struct localapi_call *calls; /* under way */
};

/* Checks a 2xx answer that may still be a failure. */
typedef int (*verdict_fn)(const struct localapi_reply *reply, struct err *e);

struct localapi_call {
	struct localapi *api;
	struct localapi_call *next, **link;
	struct fetch *fetch;
	struct timer failed; /* delivers a failure to start */
	struct err start_error;
	char *what; /* "GET /localapi/v0/prefs" */
	verdict_fn verdict;
	localapi_fn fn;
	void *arg;
};

struct localapi *localapi_new(struct loop *loop, struct fetcher *fetcher, const char *socket_path)
{
	struct localapi *api = xcalloc(1, sizeof(*api));
	api->loop_ref = loop;
	api->fetcher_ref = fetcher;
	api->socket_path = xstrdup(socket_path);
	return api;
}

void localapi_free(struct localapi *api)
{
	if (api == NULL)
		return;
	while (api->calls != NULL)
		localapi_cancel(api->calls);
	free(api->socket_path);
	free(api);
}

const char *localapi_socket(const struct localapi *api)
{
	return api->socket_path;
}

struct fetcher *localapi_fetcher(const struct localapi *api)
{
	return api->fetcher_ref;
}

static void call_free(struct localapi_call *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	timer_stop(&call->failed);
	free(call->what);
	free(call);
}

void localapi_cancel(struct localapi_call *call)
{
	if (call == NULL)
		return;
	fetch_cancel(call->fetch);
	call_free(call);
}

/* The daemon reports failures as {"Error":"…"}, or as a line of text. */
static int refuse(const struct localapi_reply *reply, struct err *e)
{
	struct err not_json;
	int code = fetch_status_code(reply->status);
	const char *prefix = reply->status == 403   ? "Access denied: "
			     : reply->status == 412 ? "Preconditions failed: "
						    : "";
	AUTO(json_freep) struct json *body = json_parse(reply->body, reply->len, &not_json);
	const char *message = json_str(json_get_fold(body, "Error"));
	if (message != NULL && message[0] != '\0')
		return err_set(e, code, "%s%s", prefix, message);
	AUTO(mem_free) char *shown = xstrndup(reply->body, strcspn(reply->body, "\r\n"));
	str_shorten(shown, strlen(shown), SHOWN_BODY_MAX);
	return err_set(e, code, "%s%d: %s", prefix, reply->status, shown);
}

static void on_reply(void *arg, const struct fetch_reply *got, const struct err *err)
{
	struct localapi_call *call = arg;
	struct localapi_reply reply = {.status = got->status, .body = "", .headers = got->headers};
	struct err e = {0};
	call->fetch = NULL;
	if (err != NULL) {
		e = *err;
	} else {
		reply.body = got->body;
		reply.len = got->len;
		reply.etag = fetch_header(got, "ETag");
		reply.retry_after_ms = got->retry_after_ms;
		int code = got->status / 100 != 2  ? refuse(&reply, &e)
			   : call->verdict != NULL ? call->verdict(&reply, &e)
						   : 0;
		if (code < 0)
			err_wrap(&e, "%s", call->what);
	}
	localapi_fn fn = call->fn;
	void *fn_arg = call->arg;
	call_free(call);
	fn(fn_arg, &reply, e.code != 0 ? &e : NULL);
}

static void on_start_failed(void *arg)
{
	static const struct strv no_headers;
	struct localapi_call *call = arg;
	struct fetch_reply nothing = {.body = "", .headers = &no_headers};
	struct err e = call->start_error;
	on_reply(call, &nothing, &e);
}

static struct localapi_call *call_new(
	struct localapi *api, const char *method, const char *path, localapi_fn fn, void *arg)
{
	struct localapi_call *call = xcalloc(1, sizeof(*call));
	call->api = api;
	call->next = api->calls;
	call->link = &api->calls;
	if (call->next != NULL)
		call->next->link = &call->next;
	api->calls = call;
	call->what = xasprintf("%s %s", method, path);
	call->fn = fn;
	call->arg = arg;
	timer_init(&call->failed, api->loop_ref, on_start_failed, call);
	return call;
}

static struct localapi_call *start(struct localapi *api, const struct localapi_request *request,
	verdict_fn verdict, localapi_fn fn, void *arg)
{
	struct localapi_call *call = call_new(api, request->method, request->path, fn, arg);
	AUTO(mem_free) char *url = xasprintf("http://" LOCALAPI_HOST "%s", request->path);
	struct fetch_request fetch = {
		.method = request->method,
		.url = url,
		.unix_socket = api->socket_path,
		.headers = request->headers,
		.body = request->body,
		.body_len = request->body != NULL ? strlen(request->body) : 0,
		.timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : LOCALAPI_TIMEOUT_MS,
		.reply_max = request->reply_max > 0 ? request->reply_max : REPLY_MAX,
	};
	call->verdict = verdict;
	call->fetch = fetch_start(api->fetcher_ref, &fetch, on_reply, call, &call->start_error);
	if (call->fetch == NULL)
		timer_start(&call->failed, 0);
	return call;
}

struct localapi_call *localapi_start(
	struct localapi *api, const struct localapi_request *request, localapi_fn fn, void *arg)
{
	return start(api, request, NULL, fn, arg);
}

static struct localapi_call *simple(
	struct localapi *api, const char *method, const char *path, localapi_fn fn, void *arg)
{
	struct localapi_request request = {.method = method, .path = path};
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_status(struct localapi *api, localapi_fn fn, void *arg)
{
	return simple(api, "GET", API "status?peers=false", fn, arg);
}

struct localapi_call *localapi_dns_config(struct localapi *api, localapi_fn fn, void *arg)
{
	struct localapi_request request = {
		.method = "GET",
		.path = API "dns-config",
		.reply_max = DNS_CONFIG_MAX,
	};
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_serve_get(struct localapi *api, localapi_fn fn, void *arg)
{
	return simple(api, "GET", API "serve-config", fn, arg);
}

struct localapi_call *localapi_serve_set(
	struct localapi *api, const char *config, localapi_fn fn, void *arg)
{
	AUTO(strv_fini) struct strv headers = {0};
	/* Present but empty: unconditional. */
	strv_push(&headers, "If-Match:");
	struct localapi_request request = {
		.method = "POST", .path = API "serve-config", .body = config, .headers = &headers};
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_prefs_get(struct localapi *api, localapi_fn fn, void *arg)
{
	return simple(api, "GET", API "prefs", fn, arg);
}

struct localapi_call *localapi_advertise(
	struct localapi *api, const struct strv *services, localapi_fn fn, void *arg)
{
	AUTO(json_freep) struct json *prefs = json_new_object();
	struct json *list = json_new_null();
	if (services != NULL && services->len > 0) {
		json_free(list);
		list = json_new_array();
		for (size_t i = 0; i < services->len; i++)
			json_push(list, json_new_str(services->items[i]));
	}
	json_set(prefs, "AdvertiseServices", list);
	json_set(prefs, "AdvertiseServicesSet", json_new_bool(true));
	AUTO(mem_free) char *body = json_print(prefs);
	struct localapi_request request = {.method = "PATCH", .path = API "prefs", .body = body};
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_disconnect_control(struct localapi *api, localapi_fn fn, void *arg)
{
	return simple(api, "POST", API "disconnect-control", fn, arg);
}

/* The answer is JSON; a text in this member is a failure. */
static int member_verdict(
	const struct localapi_reply *reply, const char *member, int code, struct err *e)
{
	AUTO(json_freep) struct json *body = json_parse(reply->body, reply->len, e);
	if (body == NULL)
		return e->code;
	const char *why = json_str(json_get_fold(body, member));
	if (why != NULL && why[0] != '\0')
		return err_set(e, code, "%s", why);
	return 0;
}

/* A daemon that could not load its file answers 200 with an empty body. */
static int reload_verdict(const struct localapi_reply *reply, struct err *e)
{
	if (reply->len == 0)
		return err_set(e, -EINVAL, "tailscaled did not load the file; see its output");
	return member_verdict(reply, "Err", -EINVAL, e);
}

struct localapi_call *localapi_reload_config(struct localapi *api, localapi_fn fn, void *arg)
{
	struct localapi_request request = {.method = "POST", .path = API "reload-config"};
	return start(api, &request, reload_verdict, fn, arg);
}

static int gro_verdict(const struct localapi_reply *reply, struct err *e)
{
	return member_verdict(reply, "Warning", -ENOTSUP, e);
}

struct localapi_call *localapi_udp_gro(struct localapi *api, localapi_fn fn, void *arg)
{
	struct localapi_request request = {.method = "GET", .path = API "set-udp-gro-forwarding"};
	return start(api, &request, gro_verdict, fn, arg);
}

struct localapi_call *localapi_cert_domains(struct localapi *api, localapi_fn fn, void *arg)
{
	return simple(api, "GET", API "cert-domains", fn, arg);
}

/* An invalid name is refused by the daemon; it must not become another path or query. */
static int append_escaped(struct buf *out, const char *text, struct err *e)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	int code = 0;
	for (const char *p = text; code == 0 && *p != '\0'; p++) {
		code = strchr(plain, *p) != NULL ? buf_append(out, p, 1, e)
						 : buf_printf(out, e, "%%%02X", (unsigned char)*p);
	}
	return code;
}

/* A call that fails before it is made. */
static struct localapi_call *too_long(
	struct localapi *api, const struct localapi_request *request, localapi_fn fn, void *arg)
{
	struct localapi_call *call = call_new(api, request->method, request->path, fn, arg);
	err_set(&call->start_error, -EINVAL, "%s: the name is too long", call->what);
	timer_start(&call->failed, 0);
	return call;
}

struct localapi_call *localapi_cert(
	struct localapi *api, const char *domain, localapi_fn fn, void *arg)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(NAME_MAX_ESCAPED + 128);
	struct localapi_request request = {.method = "GET", .path = API "cert/"};
	struct err e;
	if (buf_append_str(&path, request.path, &e) < 0 || append_escaped(&path, domain, &e) < 0 ||
		buf_append_str(&path, "?type=pair&min_validity=0s", &e) < 0)
		return too_long(api, &request, fn, arg);
	request.path = buf_cstr(&path);
	request.timeout_ms = LOCALAPI_CERT_TIMEOUT_MS;
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_resume_bus(
	struct localapi *api, const char *session_id, localapi_fn fn, void *arg)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(NAME_MAX_ESCAPED + 128);
	struct localapi_request request = {.method = "POST", .path = API "resume-ipn-bus"};
	struct err e;
	if (buf_printf(&path, &e, "%s?session=", request.path) < 0 ||
		append_escaped(&path, session_id, &e) < 0)
		return too_long(api, &request, fn, arg);
	request.path = buf_cstr(&path);
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_user_metrics(struct localapi *api, localapi_fn fn, void *arg)
{
	struct localapi_request request = {
		.method = "GET",
		.path = API "usermetrics",
		.reply_max = 8 * REPLY_MAX,
	};
	return start(api, &request, NULL, fn, arg);
}

struct localapi_call *localapi_push_token(
	struct localapi *api, const char *token, localapi_fn fn, void *arg)
{
	AUTO(mem_free) char *body = xasprintf("{\"PushDeviceToken\":\"%s\"}", token);
	struct localapi_request request = {
		.method = "POST", .path = API "set-push-device-token", .body = body};
	return start(api, &request, NULL, fn, arg);
}

/* "no matching peer" and the like. */
static int ping_verdict(const struct localapi_reply *reply, struct err *e)
{
	return member_verdict(reply, "Err", -EHOSTUNREACH, e);
}

struct localapi_call *localapi_ping(struct localapi *api, const struct ipaddr *to, const char *type,
	uint32_t timeout_ms, localapi_fn fn, void *arg)
{
	char text[IPADDR_TEXT_MAX];
	AUTO(buf_fini) struct buf path = BUF_INIT(NAME_MAX_ESCAPED + 128);
	struct localapi_request request = {.method = "POST", .path = API "ping"};
	struct err e;
	if (buf_printf(&path, &e, "%s?ip=", request.path) < 0 ||
		append_escaped(&path, ipaddr_format(to, text), &e) < 0 ||
		buf_printf(&path, &e, "&type=%s", type) < 0)
		return too_long(api, &request, fn, arg);
	request.path = buf_cstr(&path);
	request.timeout_ms = timeout_ms;
	return start(api, &request, ping_verdict, fn, arg);
}
