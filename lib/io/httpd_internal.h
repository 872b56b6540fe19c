/*
 * Internals of the HTTP server, shared by lib/io/httpd*.c only.
 *
 * httpd.c        server, routes, facts of a request
 * httpd_listen.c listening sockets: open, accept, close
 * httpd_conn.c   life of a connection
 * httpd_reply.c  bytes of a reply
 * httpd_parse.c  head of a request
 */
#ifndef LIB_IO_HTTPD_INTERNAL_H
#define LIB_IO_HTTPD_INTERNAL_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/io/httpd.h"
#include "lib/io/httpd_parse.h"
#include "lib/io/timer.h"

struct loop_source;

enum httpd_state {
	HTTPD_STATE_HEAD,    /* the client sends its head */
	HTTPD_STATE_HANDLED, /* the handler has the request */
	HTTPD_STATE_GONE,    /* the same, but the client has left and the descriptor is closed */
	HTTPD_STATE_WRITE,   /* the reply is being sent */
	HTTPD_STATE_LINGER,  /* all sent; waiting for the client to close first */
};

/* A connection, which has one request. */
struct httpd_request {
	struct httpd *httpd_ref;
	struct httpd_listener *listener_ref; /* NULL once that is closed */
	struct httpd_request *next;          /* in the order of accept */
	struct httpd_request *previous;
	enum httpd_state state;
	int fd;
	struct loop_source *source;
	struct timer timer; /* of the state */

	size_t len;
	struct httpd_head head;
	void (*gone_fn)(void *arg);
	void *gone_arg;

	struct buf out;
	size_t sent;
	size_t drained;
	char data[HTTPD_HEAD_MAX];
};

struct httpd_route {
	char *path;
	httpd_fn fn;
	void *arg;
};

struct httpd_listener {
	struct httpd *httpd_ref;
	struct httpd_listener *next;
	int fd;
	struct loop_source *source;
	struct timer parked; /* runs while out of descriptors */
	char *text;
	struct httpd_route *routes;
	size_t route_count;
};

struct httpd {
	struct loop *loop_ref;
	struct httpd_listener *listeners;
	struct httpd_request *first;
	struct httpd_request *last;
	size_t count;
};

/* httpd.c: what answers the path; *redirect is set when only a "/" is missing at its end. */
const struct httpd_route *httpd_find_route(
	const struct httpd_listener *l, const char *path, bool *redirect);

/* httpd_listen.c: without a log line. */
void httpd_listener_free(struct httpd_listener *l);

/* httpd_conn.c */
/* False when there is no place and none can be made. */
bool httpd_conn_make_room(struct httpd *h);
/* Takes over fd; closes it when it cannot be watched. */
void httpd_conn_open(struct httpd_listener *l, int fd);
void httpd_conn_close(struct httpd_request *r);
/* The reply stands in r->out. */
void httpd_conn_write(struct httpd_request *r);
/* Forgets the listener; connections that have not sent their head are closed. */
void httpd_conn_orphan(struct httpd_listener *l);

#endif
