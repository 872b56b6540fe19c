/*
 * A DNS server on the test's own loop (UDP, 127.0.0.1): answers questions for A and AAAA with what
 * the test has set, and remembers the names asked for.
 */
#ifndef TESTS_SUPPORT_FAKE_DNS_H
#define TESTS_SUPPORT_FAKE_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"

#define FAKE_DNS_ADDRESSES_MAX 100

enum fake_dns_mode {
	FAKE_DNS_ANSWER, /* the addresses of the family asked for; none of it = an empty answer */
	FAKE_DNS_NO_SUCH_NAME,
	FAKE_DNS_SERVER_FAILURE,
	FAKE_DNS_SILENT,
};

struct fake_dns {
	struct loop *loop_ref;
	int udp;
	struct loop_source *udp_source;
	int listener;
	struct loop_source *listener_source;
	int tcp; /* the connection accepted last, -1 without one */
	struct loop_source *tcp_source;
	char servers[32]; /* "127.0.0.1:port" */
	enum fake_dns_mode mode;
	struct ipaddr addresses[FAKE_DNS_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl_s;
	struct strv names; /* one of each question, in order */
	unsigned int question_count;
	unsigned int tcp_count; /* of these, by TCP */
};

/* Ends the program on failure. */
void fake_dns_open(struct fake_dns *d, struct loop *loop);
void fake_dns_close(struct fake_dns *d);
/* Replaces the addresses: texts with NULL after the last. */
void fake_dns_set(struct fake_dns *d, uint32_t ttl_s, const char *const *addresses);

#endif
