/*
 * Four network namespaces in a row, for packets through our rules:
 *
 *	client 10.244.0.2 ─ 10.244.0.1 proxy 100.64.0.1 ─ tailscale0 (MTU 1280) ─ tailnet
 *	                                 └ 10.245.0.1 ─ 10.245.0.2 other
 *
 * The tailnet has addresses of its own but a route back only to the proxy's own addresses, so an
 * answer proves that the source was translated. IPv6 alike. Blocking sockets with short limits: the
 * kernel does everything between namespaces at once.
 */
#ifndef TESTS_KERNEL_NETBED_H
#define TESTS_KERNEL_NETBED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/kernel/firewall.h"
#include "tests/support/address.h"

#define NETBED_POD4 "10.244.0.1"
#define NETBED_POD6 "fd00:c::1"

enum netbed_place {
	NETBED_CLIENT,
	NETBED_PROXY,
	NETBED_TAILNET,
	NETBED_OTHER,
	NETBED_PLACES,
};

struct netbed {
	int home;
	int ns[NETBED_PLACES];
	struct firewall firewall; /* in the proxy */
};

/* Setup and teardown of a test; *state is the bed. */
int netbed_open(void **state);
int netbed_close(void **state);

void netbed_enter(const struct netbed *b, enum netbed_place place);
/* A shell command in a place; must succeed. */
void netbed_do(const struct netbed *b, enum netbed_place place, const char *command);
/* A desired state with own and pod addresses. */
void netbed_wanted_init(struct nft_wanted *w);
/* The same with one catch-all target of each family. */
#define NETBED_TARGET4 "100.64.1.1"
#define NETBED_TARGET6 "fd7a:115c:a1e0::1:1"
void netbed_wanted_init_catch_all(struct nft_wanted *w);
void netbed_apply(struct netbed *b, struct nft_wanted *w);

/* Sockets in a place; addresses as text, of either family. They end the test on failure. */
int netbed_listen(const struct netbed *b, enum netbed_place place, int type, uint16_t port);
int netbed_socket(const struct netbed *b, enum netbed_place place, int type, const char *bind_to);
/* 0 or a negative errno. */
int netbed_connect(int fd, const char *address, uint16_t port);
/* A connected TCP socket, or a negative errno. */
int netbed_dial(
	const struct netbed *b, enum netbed_place place, const char *address, uint16_t port);
/* What one datagram or accepted connection says about itself: "SOURCE -> LOCAL:PORT". */
#define NETBED_TEXT_MAX 160
/* Accepts; the socket is returned. -1 when nothing comes. */
int netbed_accept(int listener, char text[static NETBED_TEXT_MAX]);
/* Receives one datagram and answers it; false when nothing comes. */
bool netbed_echo(int fd, char text[static NETBED_TEXT_MAX]);
/* Sends a datagram; true when an answer came. */
bool netbed_ask(int fd);
/* Sends a byte over an established connection and finds it at the other end. */
bool netbed_is_alive(int from, int to);
/* A connection from a place goes both ways, and its end saw this ("SOURCE -> LOCAL:PORT"). */
void netbed_expect_tcp(const struct netbed *b, enum netbed_place from, const char *address,
	uint16_t port, int listener, const char *expected);
/* The same with a datagram from the client. */
void netbed_expect_udp(const struct netbed *b, const char *address, uint16_t port, int server,
	const char *expected);
/* From the tailnet to the client's place as a target in the cluster, which sees the pod; some
 * ports, both families. */
void netbed_expect_ingress(const struct netbed *b);
/* Closes with a reset, so that no port is kept. */
void netbed_abort(int fd);

#endif
