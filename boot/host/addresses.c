#include "boot/host/addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define TAILNET_IPV4 "100.64.0.0/10"
/* Inside of it, but of virtual machines of ChromeOS: tailscaled's rules let it pass. */
#define SPARED_IPV4 "100.115.92.0/23"
/* More than any Pod has. */
#define ADDRESSES_MAX 256

static bool is_in(const char *prefix, const struct ipaddr *addr)
{
	struct ipprefix p;
	struct err unused;
	return ipprefix_parse(prefix, &p, &unused) == 0 && ipprefix_contains(&p, addr);
}

const struct host_address *addresses_in_tailnet(const struct host_address *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ipaddr *addr = &all[i].addr;
		if (!all[i].is_tunnel && is_in(TAILNET_IPV4, addr) && !is_in(SPARED_IPV4, addr))
			return &all[i];
	}
	return NULL;
}

static bool makes_rules(const struct settings *s)
{
	AUTO(strv_fini) struct strv words = {0};
	bool is_off = s->userspace;
	str_words(s->extra_args, &words);
	for (size_t i = 0; i < words.len && !is_off; i++)
		is_off = strcmp(words.items[i], "--netfilter-mode=off") == 0 ||
			 strcmp(words.items[i], "-netfilter-mode=off") == 0;
	return !is_off;
}

enum addresses_verdict addresses_decide(const struct settings *s, const struct host_address *all,
	size_t count, char *sentence, size_t size)
{
	char text[IPADDR_TEXT_MAX];
	const struct host_address *found = addresses_in_tailnet(all, count);
	if (found == NULL)
		return ADDRESSES_CLEAR;
	ipaddr_format(&found->addr, text);
	if (makes_rules(s)) {
		snprintf(sentence, size,
			"the address %s of %s is in %s, the range of the tailnet: tailscaled drops "
			"all that comes from this range but through the tunnel; give Pods another "
			"range",
			text, found->interface, TAILNET_IPV4);
		return ADDRESSES_DROPPED;
	}
	snprintf(sentence, size,
		"the address %s of %s is in %s, the range of the tailnet: a peer may have the same "
		"address as a Pod; give Pods another range",
		text, found->interface, TAILNET_IPV4);
	return ADDRESSES_SHARED;
}

/* The device of tailscaled is one of a tunnel, whatever it is called. */
static size_t read_addresses(const struct ifaddrs *list, struct host_address all[ADDRESSES_MAX])
{
	size_t count = 0;
	for (const struct ifaddrs *at = list; at != NULL && count < ADDRESSES_MAX;
		at = at->ifa_next) {
		struct host_address *address = &all[count];
		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET)
			continue;
		const struct sockaddr_in *in = (const void *)at->ifa_addr;
		*address = (struct host_address){.addr = {.family = IPADDR_V4},
			.is_tunnel = (at->ifa_flags & (IFF_POINTOPOINT | IFF_LOOPBACK)) != 0};
		memcpy(address->addr.bytes, &in->sin_addr, sizeof(in->sin_addr));
		snprintf(address->interface, sizeof(address->interface), "%s", at->ifa_name);
		count++;
	}
	return count;
}

enum addresses_verdict addresses_find(const struct settings *s, char *sentence, size_t size)
{
	struct ifaddrs *list = NULL;
	struct host_address all[ADDRESSES_MAX];
	if (getifaddrs(&list) < 0)
		return ADDRESSES_CLEAR;
	size_t count = read_addresses(list, all);
	freeifaddrs(list);
	return addresses_decide(s, all, count, sentence, size);
}
