/*
 * A DNS server on the test's own loop (UDP, 127.0.0.1): answers questions for A and AAAA with the
 * addresses that the test has set, and records the requested names.
 */
#ifndef TESTS_SUPPORT_FAKE_DNS_H
#define TESTS_SUPPORT_FAKE_DNS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"

#define FAKE_DNS_ADDRESSES_MAX 100
#define FAKE_DNS_RULES_MAX 8

enum fake_dns_mode {
	FAKE_DNS_ANSWER, /* the addresses of the requested family; without any an empty answer */
	FAKE_DNS_NO_SUCH_NAME,
	FAKE_DNS_SERVER_FAILURE,
	FAKE_DNS_REFUSED,
	FAKE_DNS_SILENT,
	FAKE_DNS_HELD, /* answered by fake_dns_release */
};

/* Questions for a name, or for one type of it, that are exempt from `mode`. */
struct fake_dns_rule {
	const char *name;          /* borrowed; NULL = any */
	enum ipaddr_family family; /* IPADDR_NONE = both */
	enum fake_dns_mode mode;
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
	struct fake_dns_rule rules[FAKE_DNS_RULES_MAX]; /* the first match counts */
	size_t rule_count;
	uint8_t held[512]; /* the last held question by UDP */
	size_t held_len;
	struct sockaddr_in held_from;
	struct ipaddr addresses[FAKE_DNS_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl_s;
	struct strv names; /* one per question, in order */
	unsigned int question_count;
	unsigned int tcp_count; /* of these, by TCP */
};

/* Ends the program on failure. */
void fake_dns_open(struct fake_dns *d, struct loop *loop);
void fake_dns_close(struct fake_dns *d);
/* Replaces the addresses: texts with NULL after the last. */
void fake_dns_set(struct fake_dns *d, uint32_t ttl_s, const char *const *addresses);
void fake_dns_rule(
	struct fake_dns *d, const char *name, enum ipaddr_family family, enum fake_dns_mode mode);
/* Drops the rules, and answers held questions as if there had been none. */
void fake_dns_release(struct fake_dns *d);

#endif
