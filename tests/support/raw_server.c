#include "tests/support/raw_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define REQUEST_MAX (256 * 1024)

struct raw_connection {
	struct raw_server *server_ref;
	struct raw_connection *next;
	struct loop_source *source;
	int fd;
	struct buf in;
	struct raw_reply reply;
	bool is_replying;
	int part; /* 0 text, 1 blocks, 2 tail */
	size_t sent;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static void connection_close(struct raw_connection *c)
{
	struct raw_connection **link = &c->server_ref->connections;
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	loop_source_remove(c->source);
	fd_close(&c->fd);
	buf_fini(&c->in);
	c->server_ref->open_count--;
	free(c);
}

/* The bytes to send next; false when the reply is complete. */
static bool next_piece(struct raw_connection *c, const char **data, size_t *len)
{
	const struct raw_reply *r = &c->reply;
	for (; c->part < 3; c->part++, c->sent = 0) {
		if (c->part == 1 && r->block != NULL && c->sent == r->block_len && r->repeat > 1) {
			c->reply.repeat--;
			c->sent = 0;
		}
		const char *text = c->part == 0 ? r->text : c->part == 1 ? r->block : r->tail;
		size_t size = text == NULL ? 0 : c->part == 1 ? r->block_len : strlen(text);
		if (c->sent < size) {
			*data = text + c->sent;
			*len = size - c->sent;
			return true;
		}
	}
	return false;
}

static void reset_when_closed(int fd)
{
	struct linger at_once = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void finish_reply(struct raw_connection *c)
{
	c->is_replying = false;
	if (c->reply.after == RAW_KEEP) {
		loop_source_set(c->source, EPOLLIN);
		return;
	}
	if (c->reply.after == RAW_RESET)
		reset_when_closed(c->fd);
	connection_close(c);
}

static void write_more(struct raw_connection *c)
{
	const char *data;
	size_t len;
	if (!next_piece(c, &data, &len)) {
		finish_reply(c);
		return;
	}
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		connection_close(c);
	else if (n > 0)
		c->sent += (size_t)n;
}

/* Bytes of the first complete request in the buffer, 0 while there is none. */
static size_t request_len(const struct buf *in)
{
	const char *text = buf_cstr(in);
	const char *end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return 0;
	size_t total = (size_t)(end - text) + 4;
	const char *length = strstr(text, "Content-Length: ");
	if (length != NULL && length < end)
		total += strtoul(length + strlen("Content-Length: "), NULL, 10);
	return in->len >= total ? total : 0;
}

static void consume_request(struct raw_connection *c)
{
	struct raw_server *s = c->server_ref;
	size_t len = request_len(&c->in);
	if (len == 0)
		return;
	strv_push_take(&s->requests, xstrndup(buf_cstr(&c->in), len));
	s->request_count++;
	buf_consume(&c->in, len);
	if (s->choose != NULL)
		s->choose(s->choose_arg, s->requests.items[s->requests.len - 1]);
	c->reply = s->reply;
	c->part = 0;
	c->sent = 0;
	c->is_replying = true;
	loop_source_set(c->source, EPOLLOUT);
}

static void on_ready(void *arg, uint32_t events)
{
	struct raw_connection *c = arg;
	char chunk[16384];
	struct err e;
	(void)events;
	if (c->is_replying) {
		write_more(c);
		return;
	}
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		connection_close(c);
		return;
	}
	must(buf_append(&c->in, chunk, (size_t)n, &e) == 0, "raw_server: request");
	consume_request(c);
}

static void on_accept(void *arg, uint32_t events)
{
	struct raw_server *s = arg;
	struct err e;
	(void)events;
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (s->resets) {
		s->accept_count++;
		reset_when_closed(fd);
		close(fd);
		return;
	}
	struct raw_connection *c = xcalloc(1, sizeof(*c));
	c->server_ref = s;
	c->fd = fd;
	buf_init(&c->in, REQUEST_MAX);
	c->next = s->connections;
	s->connections = c;
	s->accept_count++;
	s->open_count++;
	c->source = loop_add(s->loop_ref, fd, EPOLLIN, on_ready, c, &e);
	must(c->source != NULL, "raw_server: loop_add");
	if (s->greeting != NULL)
		raw_server_say(s, s->greeting);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	must(strlen(path) < sizeof(at.sun_path), "raw_server: path");
	memcpy(at.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "raw_server: bind");
	return fd;
}

static int listen_tcp(const char *address, uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
	must(inet_pton(AF_INET, address, &at.sin_addr) == 1, "raw_server: address");
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "raw_server: bind");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "raw_server: getsockname");
	*port = ntohs(at.sin_port);
	return fd;
}

static struct raw_server *serve(struct loop *loop, int fd)
{
	struct err e;
	struct raw_server *s = xcalloc(1, sizeof(*s));
	s->loop_ref = loop;
	s->fd = fd;
	must(listen(s->fd, 128) == 0, "raw_server: listen");
	s->source = loop_add(loop, s->fd, EPOLLIN, on_accept, s, &e);
	must(s->source != NULL, "raw_server: loop_add");
	return s;
}

struct raw_server *raw_server_new(struct loop *loop, const char *path)
{
	if (path == NULL)
		return raw_server_new_at(loop, "127.0.0.1", 0);
	struct raw_server *s = serve(loop, listen_unix(path));
	s->path = xstrdup(path);
	return s;
}

struct raw_server *raw_server_new_at(struct loop *loop, const char *address, uint16_t port)
{
	int fd = listen_tcp(address, &port);
	struct raw_server *s = serve(loop, fd);
	s->port = port;
	return s;
}

void raw_server_free(struct raw_server *s)
{
	if (s == NULL)
		return;
	while (s->connections != NULL)
		connection_close(s->connections);
	loop_source_remove(s->source);
	fd_close(&s->fd);
	if (s->path != NULL)
		unlink(s->path);
	strv_fini(&s->requests);
	strv_fini(&s->texts);
	free(s->path);
	free(s);
}

void raw_server_answer(struct raw_server *s, const char *status, const char *body)
{
	strv_pushf(&s->texts, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
		body);
	s->reply = (struct raw_reply){.text = s->texts.items[s->texts.len - 1]};
}

void raw_server_say(struct raw_server *s, const char *text)
{
	must(s->connections != NULL, "raw_server: no connection");
	ssize_t n = send(s->connections->fd, text, strlen(text), MSG_NOSIGNAL);
	must(n == (ssize_t)strlen(text), "raw_server: say");
}

void raw_server_hang_up(struct raw_server *s)
{
	must(s->connections != NULL, "raw_server: no connection");
	connection_close(s->connections);
}
