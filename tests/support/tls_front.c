#include "tests/support/tls_front.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static struct sockaddr_in local(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
}

static bool write_all(int fd, const char *data, int len)
{
	for (int sent = 0; sent < len;) {
		ssize_t n = send(fd, data + sent, (size_t)(len - sent), MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		sent += (int)n;
	}
	return true;
}

/* Relays one direction; false at its end. */
static bool pass_in(SSL *tls, int plain)
{
	char data[16384];
	int n = SSL_read(tls, data, sizeof(data));
	return n > 0 && write_all(plain, data, n);
}

static bool pass_out(SSL *tls, int plain)
{
	char data[16384];
	ssize_t n = recv(plain, data, sizeof(data), 0);
	return n > 0 && SSL_write(tls, data, (int)n) == (int)n;
}

static void relay(SSL *tls, int fd, int plain)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = plain, .events = POLLIN}};
	for (bool go_on = true; go_on;) {
		if (SSL_pending(tls) == 0 && poll(fds, 2, -1) < 0)
			return;
		if (SSL_pending(tls) > 0 || fds[0].revents != 0)
			go_on = pass_in(tls, plain);
		if (go_on && fds[1].revents != 0)
			go_on = pass_out(tls, plain);
		fds[0].revents = fds[1].revents = 0;
	}
	SSL_shutdown(tls);
}

static void serve(SSL_CTX *context, int fd, uint16_t plain_port)
{
	struct sockaddr_in at = local(plain_port);
	SSL *tls = SSL_new(context);
	int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (tls == NULL || plain < 0 || SSL_set_fd(tls, fd) != 1 || SSL_accept(tls) != 1 ||
		connect(plain, (struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(1);
	relay(tls, fd, plain);
	_exit(0);
}

static SSL_CTX *make_context(const char *dir)
{
	AUTO(mem_free) char *certificate = xasprintf("%s/server.pem", dir);
	AUTO(mem_free) char *key = xasprintf("%s/server.key", dir);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	must(context != NULL &&
			SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) == 1 &&
			SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
		"tls_front: certificate");
	return context;
}

static void serve_all(int listener, const char *dir, uint16_t plain_port)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	SSL_CTX *context = make_context(dir);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		/* A process for each connection, so that a waiting one does not delay another. */
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(context, fd, plain_port);
		}
		close(fd);
	}
}

void tls_front_start(struct tls_front *f, const char *dir, uint16_t plain_port)
{
	struct sockaddr_in at = local(0);
	socklen_t len = sizeof(at);
	AUTO(fd_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
			listen(listener, 16) == 0 &&
			getsockname(listener, (struct sockaddr *)&at, &len) == 0,
		"tls_front: listen");
	f->port = ntohs(at.sin_port);
	f->pid = fork();
	must(f->pid >= 0, "tls_front: fork");
	if (f->pid == 0)
		serve_all(listener, dir, plain_port);
}

void tls_front_stop(struct tls_front *f)
{
	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
}
