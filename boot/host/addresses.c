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
/* Inside the range, but used by virtual machines of ChromeOS: tailscaled's rules let it pass. */
#define SPARED_IPV4 "100.115.92.0/23"
#define MODE_ARGUMENT "netfilter-mode"
/* Of "nodivert", the longest, and more. */
#define MODE_MAX 16
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

/* The value of an argument behind its name; NULL when the word is another one. */
static const char *value_of(const char *word, const char *name)
{
	if (*word != '-')
		return NULL;
	word += str_starts(word, "--") ? 2 : 1;
	return str_starts(word, name) ? word + strlen(name) : NULL;
}

/* The last one counts, as it does for the command. */
static void find_mode(const struct settings *s, const char *config_mode, char mode[MODE_MAX])
{
	AUTO(strv_fini) struct strv words = {0};
	snprintf(mode, MODE_MAX, "%s", config_mode);
	str_words(s->extra_args, &words);
	for (size_t i = 0; i < words.len; i++) {
		const char *value = value_of(words.items[i], MODE_ARGUMENT);
		if (value == NULL)
			continue;
		if (*value == '=')
			snprintf(mode, MODE_MAX, "%s", value + 1);
		else if (*value == '\0' && i + 1 < words.len)
			snprintf(mode, MODE_MAX, "%s", words.items[i + 1]);
	}
}

/* What comes from peers goes on to the cluster: that needs a rule which gives it the address of the
 * Pod, and only tailscaled has one. */
static bool leads_into_cluster(const struct settings *s)
{
	return *s->dest_ip != '\0' || *s->dest_dns_name != '\0' || s->routes.is_set ||
	       *s->ingress_proxies_config_path != '\0';
}

static const char *remedy(const struct settings *s)
{
	if (leads_into_cluster(s))
		return "";
	return settings_is_one_step(s) ? ", or set NetfilterMode to nodivert in its configuration"
				       : ", or add --" MODE_ARGUMENT "=nodivert to TS_EXTRA_ARGS";
}

enum addresses_verdict addresses_decide(const struct settings *s, const char *config_mode,
	const struct host_address *all, size_t count, char sentence[static ADDRESSES_SENTENCE_MAX])
{
	char text[IPADDR_TEXT_MAX];
	char mode[MODE_MAX];
	const struct host_address *found = addresses_in_tailnet(all, count);
	if (found == NULL)
		return ADDRESSES_CLEAR;
	find_mode(s, config_mode, mode);
	ipaddr_format(&found->addr, text);
	int len = snprintf(sentence, ADDRESSES_SENTENCE_MAX,
		"the address %s of %s is in %s, the range of the tailnet: ", text, found->interface,
		TAILNET_IPV4);
	char *end = sentence + len;
	size_t room = ADDRESSES_SENTENCE_MAX - (size_t)len;
	bool is_off = strcmp(mode, "off") == 0 || strcmp(mode, "nodivert") == 0;
	if (!s->userspace && !is_off) {
		snprintf(end, room,
			"tailscaled drops all that comes from this range but through the tunnel; "
			"give Pods another range%s",
			remedy(s));
		return ADDRESSES_DROPPED;
	}
	if (!s->userspace && leads_into_cluster(s))
		snprintf(end, room,
			"with netfilter mode %s no rule of tailscaled gives what peers send to the "
			"cluster the Pod's address; give Pods another range",
			mode);
	else
		snprintf(end, room,
			"a peer may have the same address as a Pod; give Pods another range");
	return ADDRESSES_SHARED;
}

/* The device of tailscaled is a tunnel, independent of its name. */
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

enum addresses_verdict addresses_find(const struct settings *s, const char *config_mode,
	char sentence[static ADDRESSES_SENTENCE_MAX])
{
	struct ifaddrs *list = NULL;
	struct host_address all[ADDRESSES_MAX];
	if (getifaddrs(&list) < 0)
		return ADDRESSES_CLEAR;
	size_t count = read_addresses(list, all);
	freeifaddrs(list);
	return addresses_decide(s, config_mode, all, count, sentence);
}
