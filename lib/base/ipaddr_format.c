#include "lib/base/ipaddr.h"

#include <stdio.h>
#include <string.h>

#define GROUPS 8

static unsigned int group_at(const struct ipaddr *a, int i)
{
	return (unsigned int)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
}

/* The first longest run of at least two zero groups (RFC 5952 section 4.2); an empty one at GROUPS
 * when there is none. */
static void find_zeros(const struct ipaddr *a, int *from, int *to)
{
	*from = GROUPS;
	*to = GROUPS;
	for (int i = 0; i < GROUPS; i++) {
		int j = i;
		while (j < GROUPS && group_at(a, j) == 0)
			j++;
		if (j - i >= 2 && j - i > *to - *from) {
			*from = i;
			*to = j;
		}
	}
}

static void format_groups(const struct ipaddr *a, char out[static IPADDR_TEXT_MAX])
{
	int from;
	int to;
	size_t n = 0;
	find_zeros(a, &from, &to);
	for (int i = 0; i < GROUPS; i++) {
		if (i == from) {
			n += (size_t)snprintf(out + n, IPADDR_TEXT_MAX - n, "::");
			i = to;
			if (i == GROUPS)
				break;
		} else if (i > 0) {
			n += (size_t)snprintf(out + n, IPADDR_TEXT_MAX - n, ":");
		}
		n += (size_t)snprintf(out + n, IPADDR_TEXT_MAX - n, "%x", group_at(a, i));
	}
}

static bool is_v4_mapped(const struct ipaddr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

const char *ipaddr_format(const struct ipaddr *a, char out[static IPADDR_TEXT_MAX])
{
	const uint8_t *b = a->bytes;
	if (a->family == IPADDR_NONE) {
		snprintf(out, IPADDR_TEXT_MAX, "invalid IP");
		return out;
	}
	if (a->family == IPADDR_V4) {
		snprintf(out, IPADDR_TEXT_MAX, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		return out;
	}
	if (is_v4_mapped(a))
		snprintf(out, IPADDR_TEXT_MAX, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
	else
		format_groups(a, out);
	if (a->zone[0] != '\0') {
		size_t n = strlen(out);
		snprintf(out + n, IPADDR_TEXT_MAX - n, "%%%s", a->zone);
	}
	return out;
}

const char *ipprefix_format(const struct ipprefix *p, char out[static IPPREFIX_TEXT_MAX])
{
	char addr[IPADDR_TEXT_MAX];
	if (p->addr.family == IPADDR_NONE)
		snprintf(out, IPPREFIX_TEXT_MAX, "invalid Prefix");
	else
		snprintf(out, IPPREFIX_TEXT_MAX, "%s/%u", ipaddr_format(&p->addr, addr), p->bits);
	return out;
}

const char *addrport_format(const struct addrport *a, char out[static ADDRPORT_TEXT_MAX])
{
	char addr[IPADDR_TEXT_MAX];
	if (a->addr.family == IPADDR_NONE)
		snprintf(out, ADDRPORT_TEXT_MAX, "invalid AddrPort");
	else if (a->addr.family == IPADDR_V4)
		snprintf(out, ADDRPORT_TEXT_MAX, "%s:%u", ipaddr_format(&a->addr, addr), a->port);
	else
		snprintf(out, ADDRPORT_TEXT_MAX, "[%s]:%u", ipaddr_format(&a->addr, addr), a->port);
	return out;
}

static int bits_of(const struct ipaddr *a)
{
	return a->family == IPADDR_V4 ? 32 : a->family == IPADDR_V6 ? 128 : 0;
}

int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	int order = memcmp(a->bytes, b->bytes, (size_t)bits_of(a) / 8);
	return order != 0 ? order : strcmp(a->zone, b->zone);
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return ipaddr_compare(a, b) == 0;
}

bool ipprefix_equal(const struct ipprefix *a, const struct ipprefix *b)
{
	return a->bits == b->bits && ipaddr_equal(&a->addr, &b->addr);
}

bool ipprefix_contains(const struct ipprefix *p, const struct ipaddr *a)
{
	if (p->addr.family == IPADDR_NONE || p->addr.family != a->family || a->zone[0] != '\0')
		return false;
	size_t whole = p->bits / 8;
	if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	if (p->bits % 8 == 0)
		return true;
	return (p->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - p->bits % 8) == 0;
}

bool ipprefix_is_single(const struct ipprefix *p)
{
	return p->addr.family != IPADDR_NONE && p->bits == bits_of(&p->addr);
}

struct ipprefix ipprefix_from_addr(const struct ipaddr *a)
{
	struct ipprefix p = {.addr = *a, .bits = (uint8_t)bits_of(a)};
	p.addr.zone[0] = '\0';
	return p;
}
