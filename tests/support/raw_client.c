#include "tests/support/raw_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/mem.h"

#define REPLY_MAX (32u * 1024 * 1024)

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void raw_client_open(struct raw_client *c, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	memset(c, 0, sizeof(*c));
	buf_init(&c->in, REPLY_MAX);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(c->fd >= 0, "raw_client: socket");
	must(connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0, "raw_client: connect");
}

void raw_client_close(struct raw_client *c)
{
	fd_close(&c->fd);
	buf_fini(&c->in);
}

void raw_client_say(struct raw_client *c, const char *text)
{
	ssize_t n = send(c->fd, text, strlen(text), MSG_NOSIGNAL);
	must(n == (ssize_t)strlen(text), "raw_client: send");
}

bool raw_client_is_done(void *client)
{
	static char chunk[65536];
	struct raw_client *c = client;
	struct err e;
	ssize_t n;
	while ((n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0)
		must(buf_append(&c->in, chunk, (size_t)n, &e) == 0, "raw_client: reply");
	c->is_closed = n == 0;
	c->is_broken = n < 0 && errno != EAGAIN;
	return c->is_closed || c->is_broken;
}
