#include "lib/io/httpd_internal.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/io_events.h"
#include "lib/io/loop.h"

#define BACKLOG 128
#define ACCEPTS_PER_TURN 16
#define PARK_MS 100
#define LOW_PORTS 1024 /* ports below it need a capability, unless a sysctl says otherwise */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill_address(const struct addrport *from, union address *to)
{
	memset(to, 0, sizeof(*to));
	if (from->addr.family == IPADDR_V4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(from->port);
		memcpy(&to->v4.sin_addr, from->addr.bytes, sizeof(to->v4.sin_addr));
		return sizeof(to->v4);
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(from->port);
	memcpy(&to->v6.sin6_addr, from->addr.bytes, sizeof(to->v6.sin6_addr));
	if (from->addr.zone[0] != '\0')
		to->v6.sin6_scope_id = if_nametoindex(from->addr.zone);
	return sizeof(to->v6);
}

/* The listening descriptor, or a negative errno with the name of the call that failed. */
static int open_listener(const struct addrport *at, const char **call)
{
	union address address;
	socklen_t len = fill_address(at, &address);
	const int on = 1;
	const int off = 0;

	*call = "socket";
	AUTO(fd_close)
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*call = "setsockopt";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* Does not depend on net.ipv6.bindv6only. */
	if (at->addr.family == IPADDR_V6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	*call = "bind";
	if (bind(fd, &address.any, len) < 0)
		return -errno;
	*call = "listen";
	if (listen(fd, BACKLOG) < 0)
		return -errno;
	int code = fd;
	fd = -1;
	return code;
}

static bool is_any_v6(const struct ipaddr *a)
{
	static const uint8_t zero[16];
	return a->family == IPADDR_V6 && memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static void park(struct httpd_listener *l)
{
	loop_source_set(l->source, 0);
	timer_start(&l->parked, PARK_MS);
}

static void on_unpark(void *arg)
{
	struct httpd_listener *l = arg;
	loop_source_set(l->source, EPOLLIN);
}

/* Errors of accept4 that would recur at once: the connection waits in the backlog. */
static bool is_shortage(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void on_ready(void *arg, uint32_t events)
{
	struct httpd_listener *l = arg;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			if (httpd_conn_make_room(l->httpd_ref))
				httpd_conn_open(l, fd);
			else
				fd_close(&fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (is_shortage(errno)) {
			park(l);
			return;
		}
		/* All other errors concern one connection that died in the backlog (accept(2)). */
	}
}

struct httpd_listener *httpd_listen(
	struct httpd *h, const struct addrport *address, const char *text, struct err *e)
{
	const char *call;
	int fd = open_listener(address, &call);
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && is_any_v6(&address->addr)) {
		/* No IPv6 in this kernel or network namespace. */
		struct addrport any_v4 = {.addr.family = IPADDR_V4, .port = address->port};
		fd = open_listener(&any_v4, &call);
	}
	if (fd < 0) {
		/* Security modules may refuse any port so. */
		bool is_low = fd == -EACCES && address->port < LOW_PORTS;
		err_set(e, fd, "failed to listen on addr \"%s\": listen tcp %s: %s: %s%s", text,
			text, call, strerror(-fd),
			is_low ? ": such a low port needs the capability "
				 "NET_BIND_SERVICE; use one of 1024 or more"
			       : "");
		return NULL;
	}
	struct httpd_listener *l = xcalloc(1, sizeof(*l));
	l->httpd_ref = h;
	l->fd = fd;
	l->text = xstrdup(text);
	timer_init(&l->parked, h->loop_ref, on_unpark, l);
	l->next = h->listeners;
	h->listeners = l;
	l->source = loop_add(h->loop_ref, fd, EPOLLIN, on_ready, l, e);
	if (l->source == NULL) {
		err_wrap(e, "failed to listen on addr \"%s\"", text);
		httpd_listener_free(l);
		return NULL;
	}
	return l;
}

void httpd_listener_free(struct httpd_listener *l)
{
	struct httpd_listener **link = &l->httpd_ref->listeners;
	while (*link != l)
		link = &(*link)->next;
	*link = l->next;
	httpd_conn_orphan(l);
	timer_stop(&l->parked);
	loop_source_remove(l->source);
	fd_close(&l->fd);
	for (size_t i = 0; i < l->route_count; i++)
		free(l->routes[i].path);
	free(l->routes);
	free(l->text);
	free(l);
}

void httpd_listener_close(struct httpd_listener *l)
{
	if (l == NULL)
		return;
	log_event(EV_HTTP_LISTENER_CLOSED, l->text);
	httpd_listener_free(l);
}

uint16_t httpd_listener_port(const struct httpd_listener *l)
{
	union address address;
	socklen_t len = sizeof(address);
	memset(&address, 0, sizeof(address));
	if (getsockname(l->fd, &address.any, &len) < 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}
