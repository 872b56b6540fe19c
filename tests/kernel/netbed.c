#include "tests/kernel/netbed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"
#include "tests/support/netns.h"

#define LIMIT_MS 1500
#define FILES_MAX 8192

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

void netbed_enter(const struct netbed *b, enum netbed_place place)
{
	netns_enter(b->ns[place]);
}

void netbed_do(const struct netbed *b, enum netbed_place place, const char *command)
{
	netbed_enter(b, place);
	netns_do("%s", command);
}

/* A pair of links between the present namespace and another, with its own end named. */
static void join(int from, const char *near, int to, const char *far)
{
	netns_enter(from);
	netns_do("ip link add %s type veth peer name %s netns /proc/%d/fd/%d", near, far, getpid(),
		to);
}

static void configure_proxy(const struct netbed *b)
{
	netbed_do(b, NETBED_PROXY,
		"set -e; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
		" net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0;"
		"ip addr add 10.244.0.1/24 dev c0; ip addr add fd00:c::1/64 dev c0 nodad;"
		"ip addr add 10.245.0.1/24 dev o0; ip addr add fd00:e::1/64 dev o0 nodad;"
		"ip addr add 100.64.0.1/32 dev tailscale0;"
		"ip addr add fd7a:115c:a1e0::1/128 dev tailscale0 nodad;"
		"ip link set c0 up; ip link set o0 up; ip link set tailscale0 mtu 1280 up;"
		"ip route add 100.64.0.0/10 dev tailscale0 src 100.64.0.1;"
		"ip route add fd7a:115c:a1e0::/48 dev tailscale0 src fd7a:115c:a1e0::1");
}

static void configure_others(const struct netbed *b)
{
	netbed_do(b, NETBED_CLIENT,
		"set -e; sysctl -qw net.ipv4.tcp_timestamps=0;"
		"for i in 2 3 4; do ip addr add 10.244.0.$i/24 dev e0;"
		" ip addr add fd00:c::$i/64 dev e0 nodad; done;"
		"ip link set e0 up; ip route add 10.245.0.0/24 via 10.244.0.1;"
		"ip route add fd00:e::/64 via fd00:c::1");
	netbed_do(b, NETBED_TAILNET,
		"set -e; sysctl -qw net.ipv4.tcp_timestamps=0; ip link set t0 up;"
		"for i in 1 2 3; do ip addr add 100.64.1.$i/32 dev t0;"
		" ip addr add fd7a:115c:a1e0::1:$i/128 dev t0 nodad; done;"
		"for i in 1 2; do ip route add 100.64.0.$i/32 dev t0 src 100.64.1.1;"
		" ip route add fd7a:115c:a1e0::$i/128 dev t0 src fd7a:115c:a1e0::1:1; done;"
		"ip route add 100.99.0.0/16 via 100.64.0.1 dev t0 onlink src 100.64.1.1");
	netbed_do(b, NETBED_OTHER,
		"set -e; sysctl -qw net.ipv4.tcp_timestamps=0;"
		"ip addr add 10.245.0.2/24 dev p0; ip addr add fd00:e::2/64 dev p0 nodad;"
		"ip link set p0 up; ip route add default via 10.245.0.1;"
		"ip route add default via fd00:e::1");
}

int netbed_open(void **state)
{
	struct netbed *b = xcalloc(1, sizeof(*b));
	struct rlimit files = {.rlim_cur = FILES_MAX, .rlim_max = FILES_MAX};
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	b->home = netns_current();
	for (int place = 0; place < NETBED_PLACES; place++) {
		if (place == NETBED_PROXY)
			firewall_open(&b->firewall);
		b->ns[place] = place == NETBED_PROXY ? b->firewall.ns : netns_new();
		/* Otherwise the links have no address for neighbour discovery for some seconds. */
		netns_do("sysctl -qw net.ipv6.conf.default.accept_dad=0");
	}
	join(b->ns[NETBED_PROXY], "c0", b->ns[NETBED_CLIENT], "e0");
	join(b->ns[NETBED_PROXY], "o0", b->ns[NETBED_OTHER], "p0");
	join(b->ns[NETBED_PROXY], "tailscale0", b->ns[NETBED_TAILNET], "t0");
	configure_proxy(b);
	configure_others(b);
	*state = b;
	return 0;
}

int netbed_close(void **state)
{
	struct netbed *b = *state;
	netns_enter(b->home);
	firewall_close(&b->firewall);
	for (int place = 0; place < NETBED_PLACES; place++) {
		if (place != NETBED_PROXY)
			close(b->ns[place]);
	}
	close(b->home);
	free(b);
	return 0;
}

void netbed_wanted_init(struct nft_wanted *w)
{
	struct ipaddr pod4 = address_of(NETBED_POD4);
	struct ipaddr pod6 = address_of(NETBED_POD6);
	firewall_wanted_init(w);
	nft_wanted_set_pod(w, &pod4);
	nft_wanted_set_pod(w, &pod6);
}

void netbed_wanted_init_catch_all(struct nft_wanted *w)
{
	struct err e = {0};
	struct ipaddr target4 = address_of(NETBED_TARGET4);
	struct ipaddr target6 = address_of(NETBED_TARGET6);
	netbed_wanted_init(w);
	assert_int_equal(nft_wanted_set_catch_all(w, &target4, &e), 0);
	assert_int_equal(nft_wanted_set_catch_all(w, &target6, &e), 0);
}

void netbed_apply(struct netbed *b, struct nft_wanted *w)
{
	if (firewall_apply(&b->firewall, w) != 0)
		fail_msg("%s", b->firewall.e.msg);
	if (b->firewall.result.flows_error.code != 0)
		fail_msg("%s", b->firewall.result.flows_error.msg);
}

static socklen_t fill(union any_address *out, const char *address, uint16_t port)
{
	*out = (union any_address){0};
	if (inet_pton(AF_INET, address, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return sizeof(out->v4);
	}
	if (inet_pton(AF_INET6, address, &out->v6.sin6_addr) != 1)
		fail_msg("no address: %s", address);
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	return sizeof(out->v6);
}

static void set_limits(int fd)
{
	struct timeval limit = {.tv_sec = LIMIT_MS / 1000, .tv_usec = LIMIT_MS % 1000 * 1000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int netbed_listen(const struct netbed *b, enum netbed_place place, int type, uint16_t port)
{
	union any_address any;
	int on = 1;
	netbed_enter(b, place);
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	set_limits(fd);
	assert_int_equal(bind(fd, &any.any, fill(&any, "::", port)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4096), 0);
	return fd;
}

int netbed_socket(const struct netbed *b, enum netbed_place place, int type, const char *bind_to)
{
	union any_address address;
	socklen_t len = fill(&address, bind_to, 0);
	netbed_enter(b, place);
	int fd = socket(address.any.sa_family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	set_limits(fd);
	assert_int_equal(bind(fd, &address.any, len), 0);
	return fd;
}

int netbed_connect(int fd, const char *address, uint16_t port)
{
	union any_address to;
	socklen_t len = fill(&to, address, port);
	return connect(fd, &to.any, len) < 0 ? -errno : 0;
}

int netbed_dial(const struct netbed *b, enum netbed_place place, const char *address, uint16_t port)
{
	bool is_v6 = strchr(address, ':') != NULL;
	int fd = netbed_socket(b, place, SOCK_STREAM, is_v6 ? "::" : "0.0.0.0");
	int code = netbed_connect(fd, address, port);
	if (code == 0)
		return fd;
	close(fd);
	return code;
}

static const char *name(const struct in6_addr *addr, char *out)
{
	if (IN6_IS_ADDR_V4MAPPED(addr))
		return inet_ntop(AF_INET, addr->s6_addr + 12, out, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr, out, INET6_ADDRSTRLEN);
}

int netbed_accept(int listener, char text[static NETBED_TEXT_MAX])
{
	struct sockaddr_in6 peer;
	struct sockaddr_in6 local;
	char from[INET6_ADDRSTRLEN];
	char to[INET6_ADDRSTRLEN];
	socklen_t len = sizeof(peer);
	int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	snprintf(text, NETBED_TEXT_MAX, "nothing");
	if (fd < 0)
		return -1;
	set_limits(fd);
	len = sizeof(local);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &len), 0);
	snprintf(text, NETBED_TEXT_MAX, "%s -> %s:%u", name(&peer.sin6_addr, from),
		name(&local.sin6_addr, to), ntohs(local.sin6_port));
	return fd;
}

bool netbed_echo(int fd, char text[static NETBED_TEXT_MAX])
{
	struct sockaddr_in6 peer;
	struct sockaddr_in6 local;
	char byte;
	char control[256];
	char from[INET6_ADDRSTRLEN];
	char to[INET6_ADDRSTRLEN] = "?";
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	socklen_t len = sizeof(local);
	snprintf(text, NETBED_TEXT_MAX, "nothing");
	if (recvmsg(fd, &msg, 0) < 0)
		return false;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &len), 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		name(&info.ipi6_addr, to);
	}
	snprintf(text, NETBED_TEXT_MAX, "%s -> %s:%u", name(&peer.sin6_addr, from), to,
		ntohs(local.sin6_port));
	/* From the address that was asked: the control data is sent back as it came. */
	return sendmsg(fd, &msg, 0) == 1;
}

bool netbed_ask(int fd)
{
	char byte = 'x';
	return send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1;
}

bool netbed_is_alive(int from, int to)
{
	char sent = 'x';
	char got = 0;
	return send(from, &sent, 1, MSG_NOSIGNAL) == 1 && recv(to, &got, 1, 0) == 1 && got == sent;
}

void netbed_abort(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

void netbed_expect_tcp(const struct netbed *b, enum netbed_place from, const char *address,
	uint16_t port, int listener, const char *expected)
{
	char text[NETBED_TEXT_MAX];
	int client = netbed_dial(b, from, address, port);
	if (client < 0)
		fail_msg("connect %s:%u: %s", address, port, strerror(-client));
	int server = netbed_accept(listener, text);
	assert_string_equal(text, expected);
	assert_true(netbed_is_alive(client, server));
	assert_true(netbed_is_alive(server, client));
	netbed_abort(client);
	netbed_abort(server);
}

void netbed_expect_udp(const struct netbed *b, const char *address, uint16_t port, int server,
	const char *expected)
{
	char text[NETBED_TEXT_MAX];
	char byte = 'x';
	int client = netbed_socket(
		b, NETBED_CLIENT, SOCK_DGRAM, strchr(address, ':') != NULL ? "::" : "0.0.0.0");
	assert_int_equal(netbed_connect(client, address, port), 0);
	assert_int_equal(send(client, &byte, 1, 0), 1);
	assert_true(netbed_echo(server, text));
	assert_string_equal(text, expected);
	assert_int_equal(recv(client, &byte, 1, 0), 1);
	close(client);
}

void netbed_expect_ingress(const struct netbed *b)
{
	for (uint16_t port = 80; port <= 8080; port += 4000) {
		char v4[NETBED_TEXT_MAX];
		char v6[NETBED_TEXT_MAX];
		snprintf(v4, sizeof(v4), "10.244.0.1 -> 10.244.0.2:%u", port);
		snprintf(v6, sizeof(v6), "fd00:c::1 -> fd00:c::2:%u", port);
		int backend = netbed_listen(b, NETBED_CLIENT, SOCK_STREAM, port);
		netbed_expect_tcp(b, NETBED_TAILNET, FIREWALL_OWN4, port, backend, v4);
		netbed_expect_tcp(b, NETBED_TAILNET, FIREWALL_OWN6, port, backend, v6);
		close(backend);
	}
}
