#include "lib/io/httpd_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define BODY_MAX (16u * 1024 * 1024)
#define HEAD_MAX (64u * 1024)

struct status_row {
	int status;
	const char *text;
};

static const struct status_row status_rows[] = {
	{200, "OK"},
	{204, "No Content"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{413, "Content Too Large"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

/* The phrase may be empty (RFC 9112 section 4). */
static const char *status_text(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_rows); i++) {
		if (status_rows[i].status == status)
			return status_rows[i].text;
	}
	return "";
}

static bool is_named(const char *line, const char *name)
{
	size_t len = strlen(name);
	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

static bool has_line(const struct strv *headers, const char *name)
{
	for (size_t i = 0; headers != NULL && i < headers->len; i++) {
		if (is_named(headers->items[i], name))
			return true;
	}
	return false;
}

/* Framing headers are set here: a handler that relays a reply may pass its headers unchanged. */
static bool is_framing(const char *line)
{
	static const char *const names[] = {
		"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (is_named(line, names[i]))
			return true;
	}
	return false;
}

static int put_lines(struct buf *out, const struct strv *headers, struct err *e)
{
	for (size_t i = 0; headers != NULL && i < headers->len; i++) {
		const char *line = headers->items[i];
		if (strpbrk(line, "\r\n") != NULL || strchr(line, ':') == NULL)
			return err_set(e, -EINVAL, "bad header");
		if (!is_framing(line) && buf_printf(out, e, "%s\r\n", line) < 0)
			return e->code;
	}
	return 0;
}

/* IMF-fixdate of RFC 9110 section 5.6.7. No locale is ever set, so names are English. */
static int put_date(struct buf *out, struct err *e)
{
	char text[64];
	struct tm tm;
	time_t now = clock_wall();
	if (gmtime_r(&now, &tm) == NULL ||
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		return 0;
	return buf_printf(out, e, "Date: %s\r\n", text);
}

struct reply {
	int status;
	const struct strv *headers;
	const char *body;
	size_t len;
	bool is_head;
};

static int put_reply(struct buf *out, const struct reply *p, struct err *e)
{
	/* RFC 9110 sections 15.3.5 and 15.4.5: these have no body. */
	bool is_bodiless = p->status == 204 || p->status == 304;
	if (p->len > BODY_MAX)
		return err_set(e, -EMSGSIZE, "body too large");
	if (buf_printf(out, e, "HTTP/1.1 %d %s\r\nConnection: close\r\n", p->status,
		    status_text(p->status)) < 0 ||
		put_lines(out, p->headers, e) < 0)
		return e->code;
	if (!has_line(p->headers, "Date") && put_date(out, e) < 0)
		return e->code;
	if (!is_bodiless && !has_line(p->headers, "Content-Type") &&
		buf_append_str(out, "Content-Type: text/plain; charset=utf-8\r\n", e) < 0)
		return e->code;
	if (!is_bodiless && buf_printf(out, e, "Content-Length: %zu\r\n", p->len) < 0)
		return e->code;
	if (buf_append_str(out, "\r\n", e) < 0)
		return e->code;
	return p->is_head || is_bodiless || p->len == 0 ? 0 : buf_append(out, p->body, p->len, e);
}

void httpd_reply(struct httpd_request *r, int status, const struct strv *headers, const char *body,
	size_t len)
{
	struct err e;
	struct reply reply = {.status = status,
		.headers = headers,
		.body = body,
		.len = len,
		.is_head = httpd_request_is_head(r)};
	static const char failed[] = "reply cannot be sent\n";

	if (r->state == HTTPD_STATE_GONE) {
		httpd_conn_close(r);
		return;
	}
	r->out.max = HEAD_MAX + BODY_MAX;
	if (put_reply(&r->out, &reply, &e) < 0) {
		struct reply sorry = {.status = 500,
			.body = failed,
			.len = sizeof(failed) - 1,
			.is_head = reply.is_head};
		buf_reset(&r->out);
		/* When even this fails for lack of memory, the connection is closed without an
		 * answer. */
		if (put_reply(&r->out, &sorry, &e) < 0)
			buf_reset(&r->out);
	}
	httpd_conn_write(r);
}

void httpd_reply_error(struct httpd_request *r, int status, const char *text)
{
	AUTO(strv_fini) struct strv headers = {0};
	AUTO(mem_free) char *body = xasprintf("%s\n", text);
	strv_push(&headers, "X-Content-Type-Options: nosniff");
	if (status == 405)
		strv_push(&headers, "Allow: GET, HEAD");
	httpd_reply(r, status, &headers, body, strlen(body));
}
