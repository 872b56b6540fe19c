/*
 * IP addresses, prefixes and address:port pairs: parse, format, compare. Plain data, nothing to
 * free. The accepted spellings are those of Go's net/netip: no leading zeros in IPv4 octets, zones
 * on IPv6 only. Unlike in Go, a zone has at most 15 bytes, like the name of an interface
 * (IFNAMSIZ).
 */
#ifndef LIB_BASE_IPADDR_H
#define LIB_BASE_IPADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum ipaddr_family {
	IPADDR_NONE = 0,
	IPADDR_V4 = 4,
	IPADDR_V6 = 6,
};

struct ipaddr {
	enum ipaddr_family family;
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
	char zone[16];     /* IPv6 zone without '%', "" without one */
};

struct ipprefix {
	struct ipaddr addr;
	uint8_t bits;
};

struct addrport {
	struct ipaddr addr;
	uint16_t port;
};

#define IPADDR_TEXT_MAX 64
#define IPPREFIX_TEXT_MAX 68
#define ADDRPORT_TEXT_MAX 74

int ipaddr_parse(const char *text, struct ipaddr *out, struct err *e) MUST_CHECK;
int ipprefix_parse(const char *text, struct ipprefix *out, struct err *e) MUST_CHECK;
/* "1.2.3.4:80", "[::1]:80", "[fe80::1%eth0]:80" and nothing else. */
int addrport_parse(const char *text, struct addrport *out, struct err *e) MUST_CHECK;
/* A copy, caller frees. An IPv6 address before the last colon gets missing brackets: users write
 * "$(POD_IP):9002" for both families. Everything else is unchanged. */
char *addrport_bracket(const char *text) MUST_CHECK;

const char *ipaddr_format(const struct ipaddr *a, char out[static IPADDR_TEXT_MAX]);
const char *ipprefix_format(const struct ipprefix *p, char out[static IPPREFIX_TEXT_MAX]);
const char *addrport_format(const struct addrport *a, char out[static ADDRPORT_TEXT_MAX]);

int ipaddr_compare(
	const struct ipaddr *a, const struct ipaddr *b); /* IPv4 before IPv6, then bytes */
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
bool ipprefix_equal(const struct ipprefix *a, const struct ipprefix *b);
bool ipprefix_contains(const struct ipprefix *p, const struct ipaddr *a);
bool ipprefix_is_single(const struct ipprefix *p);          /* /32 or /128 */
struct ipprefix ipprefix_from_addr(const struct ipaddr *a); /* full length */

#endif
