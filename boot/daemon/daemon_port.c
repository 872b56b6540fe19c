#include "boot/daemon/daemon_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"

#define ATTEMPTS_MAX 8

static const char name[] = "PORT=";

/* Binds a socket of a family to a port, 0 for any; returns the port, 0 when it is not available. */
static unsigned bind_port(int fd, int family, unsigned port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {0};
	socklen_t len = sizeof(address);
	int only = 1;
	address.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		address.v4.sin_port = htons((uint16_t)port);
	else
		address.v6.sin6_port = htons((uint16_t)port);
	if (family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
		return 0;
	socklen_t size = family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
	if (bind(fd, &address.any, size) < 0 || getsockname(fd, &address.any, &len) < 0)
		return 0;
	return ntohs(family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static unsigned try_once(void)
{
	AUTO(fd_close) int v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	AUTO(fd_close) int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v4 < 0)
		return v6 < 0 ? 0 : bind_port(v6, AF_INET6, 0);
	unsigned port = bind_port(v4, AF_INET, 0);
	/* A host without IPv6 refuses for other reasons, and no other program can use the port
	 * there. */
	if (port != 0 && v6 >= 0 && bind_port(v6, AF_INET6, port) == 0 && errno == EADDRINUSE)
		return 0;
	return port;
}

unsigned daemon_port_pick(void)
{
	unsigned port = 0;
	for (int i = 0; i < ATTEMPTS_MAX && port == 0; i++)
		port = try_once();
	return port;
}

bool daemon_port_env(unsigned port, char *const *env_ref, struct strv *out)
{
	if (port == 0)
		return false;
	for (char *const *p = env_ref; *p != NULL; p++) {
		if (str_starts(*p, name))
			return false;
	}
	for (; *env_ref != NULL; env_ref++)
		strv_push(out, *env_ref);
	strv_pushf(out, "%s%u", name, port);
	return true;
}
