#include "lib/io/httpd_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"

#define TURN_BYTES (64 * 1024)  /* read or written in one turn of the loop */
#define DRAIN_BYTES (64 * 1024) /* unread request bytes discarded after the reply */
#define LINGER_MS 2000

static void conn_link(struct httpd_request *r)
{
	struct httpd *h = r->httpd_ref;
	r->previous = h->last;
	if (h->last != NULL)
		h->last->next = r;
	else
		h->first = r;
	h->last = r;
	h->count++;
}

static void conn_unlink(struct httpd_request *r)
{
	struct httpd *h = r->httpd_ref;
	if (r->previous != NULL)
		r->previous->next = r->next;
	else
		h->first = r->next;
	if (r->next != NULL)
		r->next->previous = r->previous;
	else
		h->last = r->previous;
	h->count--;
}

/* Closes the client, keeps the request. */
static void conn_disconnect(struct httpd_request *r)
{
	timer_stop(&r->timer);
	loop_source_remove(r->source);
	r->source = NULL;
	fd_close(&r->fd);
}

void httpd_conn_close(struct httpd_request *r)
{
	conn_disconnect(r);
	conn_unlink(r);
	buf_fini(&r->out);
	free(r);
}

void httpd_conn_orphan(struct httpd_listener *l)
{
	struct httpd_request *next;
	for (struct httpd_request *r = l->httpd_ref->first; r != NULL; r = next) {
		next = r->next;
		if (r->listener_ref != l)
			continue;
		r->listener_ref = NULL;
		if (r->state == HTTPD_STATE_HEAD)
			httpd_conn_close(r);
	}
}

static struct httpd_request *oldest_in(const struct httpd *h, enum httpd_state state)
{
	struct httpd_request *r = h->first;
	while (r != NULL && r->state != state)
		r = r->next;
	return r;
}

bool httpd_conn_make_room(struct httpd *h)
{
	if (h->count < HTTPD_CONNECTIONS_MAX)
		return true;
	/* First the connections that have received everything. */
	struct httpd_request *r = oldest_in(h, HTTPD_STATE_LINGER);
	if (r == NULL)
		r = oldest_in(h, HTTPD_STATE_HEAD);
	if (r == NULL)
		return false;
	httpd_conn_close(r);
	return true;
}

static size_t count_kept(const struct httpd *h)
{
	size_t count = 0;
	for (const struct httpd_request *r = h->first; r != NULL; r = r->next) {
		if (r->state == HTTPD_STATE_HANDLED || r->state == HTTPD_STATE_GONE)
			count++;
	}
	return count;
}

void httpd_conn_write(struct httpd_request *r)
{
	r->state = HTTPD_STATE_WRITE;
	loop_source_set(r->source, EPOLLOUT);
	timer_start(&r->timer, HTTPD_WRITE_MS);
}

static void reply_redirect(struct httpd_request *r)
{
	AUTO(strv_fini) struct strv headers = {0};
	const char *query = r->head.query;
	static const char body[] = "Moved Permanently\n";
	strv_pushf(&headers, "Location: %s/%s%s", r->head.path, query[0] != '\0' ? "?" : "", query);
	httpd_reply(r, 301, &headers, body, sizeof(body) - 1);
}

/* After the handler has returned with the request still open. */
static void conn_keep(struct httpd_request *r)
{
	if (r->gone_fn != NULL && count_kept(r->httpd_ref) > HTTPD_KEPT_MAX) {
		void (*gone_fn)(void *arg) = r->gone_fn;
		gone_fn(r->gone_arg);
		httpd_reply_error(r, 503, "too many waiting requests");
		return;
	}
	timer_stop(&r->timer);
	loop_source_set(r->source, EPOLLRDHUP);
}

static void conn_dispatch(struct httpd_request *r)
{
	bool redirect = false;
	r->state = HTTPD_STATE_HANDLED;
	const struct httpd_route *route =
		httpd_find_route(r->listener_ref, r->head.path, &redirect);
	bool is_get = strcmp(r->head.method, "GET") == 0 || httpd_request_is_head(r);
	if (route == NULL) {
		httpd_reply_error(r, 404, "404 page not found");
	} else if (!is_get) {
		httpd_reply_error(r, 405, "Method Not Allowed");
	} else if (r->head.has_body) {
		httpd_reply_error(r, 413, "request bodies are not accepted");
	} else if (redirect) {
		reply_redirect(r);
	} else {
		/* The listener and its routes may be freed when this returns; the request is
		 * not. */
		route->fn(route->arg, r);
	}
	if (r->state == HTTPD_STATE_HANDLED)
		conn_keep(r);
}

static void conn_refuse(struct httpd_request *r, int status)
{
	static const char *const bad = "400 Bad Request";
	static const char *const large = "431 Request Header Fields Too Large";
	static const char *const version = "505 HTTP Version Not Supported";
	/* The parts parsed so far cannot be trusted, not even a method of HEAD. */
	memset(&r->head, 0, sizeof(r->head));
	httpd_reply_error(r, status, status == 431 ? large : status == 505 ? version : bad);
}

/* Reads more of the head; the connection may be closed when this returns. */
static void conn_read_head(struct httpd_request *r)
{
	ssize_t n = recv(r->fd, r->data + r->len, sizeof(r->data) - r->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		httpd_conn_close(r);
		return;
	}
	r->len += (size_t)n;
	size_t end = httpd_head_end(r->data, r->len);
	if (end == 0) {
		if (r->len == sizeof(r->data))
			conn_refuse(r, 431);
		return;
	}
	int status = httpd_head_parse(r->data, end, &r->head);
	if (status != 0)
		conn_refuse(r, status);
	else
		conn_dispatch(r);
}

/* Closing now would reset the connection if the client has sent more than was read, and the reply
 * might be lost (RFC 9112 section 9.6). */
static void conn_linger(struct httpd_request *r)
{
	buf_fini(&r->out);
	if (shutdown(r->fd, SHUT_WR) < 0) {
		httpd_conn_close(r);
		return;
	}
	r->state = HTTPD_STATE_LINGER;
	loop_source_set(r->source, EPOLLIN);
	timer_start(&r->timer, LINGER_MS);
}

static void conn_write_more(struct httpd_request *r)
{
	size_t left = r->out.len - r->sent;
	if (left > 0) {
		size_t piece = left < TURN_BYTES ? left : TURN_BYTES;
		ssize_t n = send(r->fd, r->out.data + r->sent, piece, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			httpd_conn_close(r);
			return;
		}
		r->sent += (size_t)n;
	}
	if (r->sent == r->out.len)
		conn_linger(r);
}

static void conn_drain(struct httpd_request *r)
{
	ssize_t n = recv(r->fd, r->data, sizeof(r->data), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r->drained += n > 0 ? (size_t)n : 0;
	if (n <= 0 || r->drained > DRAIN_BYTES)
		httpd_conn_close(r);
}

static void conn_gone(struct httpd_request *r)
{
	void (*fn)(void *arg) = r->gone_fn;
	void *arg = r->gone_arg;
	if (fn == NULL) {
		/* The handler still holds the request. */
		conn_disconnect(r);
		r->state = HTTPD_STATE_GONE;
		return;
	}
	httpd_conn_close(r);
	fn(arg);
}

static void on_event(void *arg, uint32_t events)
{
	struct httpd_request *r = arg;
	switch (r->state) {
	case HTTPD_STATE_HEAD:
		conn_read_head(r);
		break;
	case HTTPD_STATE_HANDLED:
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			conn_gone(r);
		break;
	case HTTPD_STATE_WRITE:
		conn_write_more(r);
		break;
	case HTTPD_STATE_LINGER:
		conn_drain(r);
		break;
	case HTTPD_STATE_GONE:
		break;
	}
}

static void on_timer(void *arg)
{
	struct httpd_request *r = arg;
	if (r->state == HTTPD_STATE_HEAD)
		httpd_reply_error(r, 408, "408 Request Timeout");
	else
		httpd_conn_close(r);
}

void httpd_conn_open(struct httpd_listener *l, int fd)
{
	struct err e;
	struct httpd_request *r = xcalloc(1, sizeof(*r));
	r->httpd_ref = l->httpd_ref;
	r->listener_ref = l;
	r->state = HTTPD_STATE_HEAD;
	r->fd = fd;
	timer_init(&r->timer, r->httpd_ref->loop_ref, on_timer, r);
	conn_link(r);
	r->source = loop_add(r->httpd_ref->loop_ref, fd, EPOLLIN, on_event, r, &e);
	if (r->source == NULL) {
		httpd_conn_close(r);
		return;
	}
	timer_start(&r->timer, HTTPD_HEAD_MS);
}
