/*
 * Requests that are answered elsewhere: /metrics by the daemon's LocalAPI, /debug/ by its debug
 * server. The answer is buffered, with a cap and a deadline, and forwarded. Request headers are not
 * forwarded: the daemon refuses those of browsers (Origin, Referer), and needs none.
 */
#include <stdlib.h>
#include <string.h>

#include "health/health_internal.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/fetch.h"
#include "lib/io/httpd.h"
#include "lib/localapi/localapi.h"

/* A CPU profile lasts 30 s by default. */
#define DEBUG_TIMEOUT_MS 60000
#define DEBUG_REPLY_MAX (8u * 1024 * 1024)

struct passthrough {
	struct health *health;
	struct passthrough *next, **link;
	struct httpd_request *request; /* NULL once answered or gone */
	struct localapi_call *call;
	struct fetch *fetch;
};

static void pass_free(struct passthrough *p)
{
	*p->link = p->next;
	if (p->next != NULL)
		p->next->link = p->link;
	localapi_cancel(p->call);
	fetch_cancel(p->fetch);
	free(p);
}

static void on_gone(void *arg)
{
	pass_free(arg);
}

static struct passthrough *pass_new(struct health *h, struct httpd_request *request)
{
	struct passthrough *p = xcalloc(1, sizeof(*p));
	p->health = h;
	p->request = request;
	p->next = h->passing;
	p->link = &h->passing;
	if (p->next != NULL)
		p->next->link = &p->next;
	h->passing = p;
	httpd_request_on_gone(request, on_gone, p);
	return p;
}

/* Hop-by-hop headers are not forwarded (RFC 9110 section 7.6.1), and we send the length
 * ourselves. */
static bool is_passed_on(const char *header)
{
	static const char *const own[] = {"Connection:", "Content-Length:", "Transfer-Encoding:",
		"Keep-Alive:", "Trailer:", "Upgrade:", "TE:", "Date:"};
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (strncasecmp(header, own[i], strlen(own[i])) == 0)
			return false;
	}
	return true;
}

static void answer(
	struct passthrough *p, int status, const struct strv *headers, const char *body, size_t len)
{
	AUTO(strv_fini) struct strv passed = {0};
	for (size_t i = 0; headers != NULL && i < headers->len; i++) {
		if (is_passed_on(headers->items[i]))
			strv_push(&passed, headers->items[i]);
	}
	httpd_reply(p->request, status, &passed, body, len);
	pass_free(p);
}

static void answer_failed(struct passthrough *p, const char *why)
{
	AUTO(mem_free) char *text = xasprintf("failed to proxy request: %s", why);
	httpd_reply_error(p->request, 500, text);
	pass_free(p);
}

static void on_metrics(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct passthrough *p = arg;
	p->call = NULL;
	if (reply->status == 0)
		answer_failed(p, err != NULL ? err->msg : "no answer");
	else
		answer(p, reply->status, reply->headers, reply->body, reply->len);
}

void passthrough_metrics(void *arg, struct httpd_request *request)
{
	struct health *h = arg;
	struct passthrough *p = pass_new(h, request);
	p->call = localapi_user_metrics(h->api_ref, on_metrics, p);
}

static void on_debug(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct passthrough *p = arg;
	p->fetch = NULL;
	if (err != NULL)
		answer_failed(p, err->msg);
	else
		answer(p, reply->status, reply->headers, reply->body, reply->len);
}

/* A segment "." or "..", also written as %2e, would lead out of /debug/ at the upstream server. */
static bool has_dot_segment(const char *path)
{
	for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p, '/')) {
		size_t dots = 0;
		for (p++; *p == '.' || strncasecmp(p, "%2e", 3) == 0; dots++)
			p += *p == '.' ? 1 : 3;
		if ((*p == '/' || *p == '\0') && (dots == 1 || dots == 2))
			return true;
	}
	return false;
}

void passthrough_debug(void *arg, struct httpd_request *request)
{
	struct health *h = arg;
	struct err e;
	if (h->debug_addr_port[0] == '\0') {
		httpd_reply_error(request, 404, "debug endpoint not configured");
		return;
	}
	if (has_dot_segment(httpd_request_path(request))) {
		httpd_reply_error(request, 404, "404 page not found");
		return;
	}
	const char *query = httpd_request_query(request);
	AUTO(mem_free)
	char *url = xasprintf("http://%s%s%s%s", h->debug_addr_port, httpd_request_path(request),
		query[0] != '\0' ? "?" : "", query);
	struct fetch_request fetch = {
		.method = "GET",
		.url = url,
		.timeout_ms = DEBUG_TIMEOUT_MS,
		.reply_max = DEBUG_REPLY_MAX,
		.fresh_connection = true,
	};
	struct passthrough *p = pass_new(h, request);
	p->fetch = fetch_start(h->fetcher_ref, &fetch, on_debug, p, &e);
	if (p->fetch == NULL)
		answer_failed(p, e.msg);
}

void passthrough_cancel_all(struct health *h)
{
	while (h->passing != NULL) {
		struct passthrough *p = h->passing;
		/* The HTTP server may outlive us and would report a client's disconnect to freed
		 * memory. */
		httpd_request_on_gone(p->request, NULL, NULL);
		pass_free(p);
	}
}
