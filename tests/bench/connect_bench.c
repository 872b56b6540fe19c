/*
 * How many new TCP connections per second pass from one network namespace to another:
 *
 *	connect_bench CLIENT SERVER ADDRESS FIRST_PORT PORTS SERVER_PORT CONNECTIONS LIMIT_MS
 *
 * CLIENT and SERVER are namespaces. It connects from one to random ports of ADDRESS from
 * FIRST_PORT on, takes the connection at SERVER_PORT in the other, and resets it: one connection
 * at a time, on one processor. Only the time within connect(2) counts, which is the way of the
 * packets there and back; making, taking and closing sockets is the same whatever is between. It
 * ends after CONNECTIONS or LIMIT_MS of that time. Each connection has a source port of its own,
 * so that no rule has to search for a free one. The rate is that of the median hundred, since
 * whatever else the machine does hits some of them. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SOURCE_PORT 1024
#define SOURCE_PORTS 60000
#define WAIT_S 5
#define HUNDRED 100
#define HUNDREDS_MAX 1000
#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

struct task {
	struct sockaddr_in target;
	unsigned int first_port;
	unsigned int ports;
	int listener;
	unsigned int next_source;
	uint32_t random;
};

static void fail(const char *what)
{
	fprintf(stderr, "connect_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
}

/* The processor we are on stays ours: a move costs more than a connection. */
static void stay_here(void)
{
	cpu_set_t set;
	int here = sched_getcpu();
	CPU_ZERO(&set);
	if (here < 0)
		fail("sched_getcpu");
	CPU_SET((size_t)here, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("sched_setaffinity");
}

static uint64_t now_ns(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		fail("clock_gettime");
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int listen_at(unsigned int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;
	struct timeval wait = {.tv_sec = WAIT_S};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, SOMAXCONN) < 0)
		fail("listen");
	return fd;
}

/* One connection to that port, and its reset; returns the time of the first. */
static uint64_t connect_once(struct task *t, unsigned int port)
{
	unsigned int source = FIRST_SOURCE_PORT + t->next_source++ % SOURCE_PORTS;
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)source)};
	struct sockaddr_in to = t->target;
	struct linger reset = {.l_onoff = 1};
	struct timeval wait = {.tv_sec = WAIT_S};
	int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_port = htons((uint16_t)port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
		bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		fail("socket");
	uint64_t start = now_ns();
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	uint64_t took = now_ns() - start;
	int taken = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
	if (taken < 0)
		fail("accept");
	close(fd);
	close(taken);
	return took;
}

/* Numerical Recipes' generator; its high bits are the good ones. */
static unsigned int next_port(struct task *t)
{
	t->random = t->random * 1664525 + 1013904223;
	return t->first_port + (unsigned int)((uint64_t)t->random * t->ports >> 32);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;
	return *a < *b ? -1 : *a > *b;
}

/* Connections a second, when a hundred took that long. */
static double rate(uint64_t hundred_ns)
{
	return (double)HUNDRED * (double)NS_PER_S / (double)hundred_ns;
}

/* Makes hundreds of connections; returns how many hundreds, the time of each is in times. */
static unsigned int run(struct task *t, unsigned int most, uint64_t limit_ns, uint64_t *times)
{
	unsigned int hundreds = 0;
	uint64_t took = 0;
	do {
		times[hundreds] = 0;
		for (int i = 0; i < HUNDRED; i++)
			times[hundreds] += connect_once(t, next_port(t));
		took += times[hundreds++];
	} while (hundreds < most / HUNDRED && hundreds < HUNDREDS_MAX && took < limit_ns);
	return hundreds;
}

int main(int argc, char **argv)
{
	struct task t = {.target = {.sin_family = AF_INET}};
	static uint64_t times[HUNDREDS_MAX];
	if (argc != 9 || inet_pton(AF_INET, argv[3], &t.target.sin_addr) != 1) {
		fprintf(stderr,
			"usage: connect_bench CLIENT SERVER ADDRESS FIRST_PORT PORTS SERVER_PORT "
			"CONNECTIONS LIMIT_MS\n");
		return 2;
	}
	t.first_port = (unsigned int)atoi(argv[4]);
	t.ports = (unsigned int)atoi(argv[5]);
	unsigned int most = (unsigned int)atoi(argv[7]);
	uint64_t limit_ns = (uint64_t)atoi(argv[8]) * NS_PER_MS;
	stay_here();
	enter(argv[2]);
	t.listener = listen_at((unsigned int)atoi(argv[6]));
	enter(argv[1]);
	/* The first ones pay for neighbours, routes and caches. */
	run(&t, most / 10, limit_ns / 10, times);
	unsigned int hundreds = run(&t, most, limit_ns, times);
	qsort(times, hundreds, sizeof(times[0]), compare);
	printf("{\"connections\": %u, \"rate\": %.1f, \"fastest\": %.1f, \"slowest\": %.1f}\n",
		hundreds * HUNDRED, rate(times[hundreds / 2]), rate(times[0]),
		rate(times[hundreds - 1]));
	return 0;
}
