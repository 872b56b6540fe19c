#include "boot/datapath/datapath_host.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/datapath/datapath_events.h"
#include "boot/host/caps.h"
#include "boot/settings/settings.h"
#include "lib/base/condition.h"
#include "lib/base/ipaddr.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube.h"
#include "lib/nft/nft_ipv6.h"
#include "lib/nft/nft_kernel.h"
#include "lib/nft/nft_memory.h"
#include "lib/nft/nft_model.h"

#define HOST_NAME_SIZE 256

static bool is_supported(
	struct nft_backend *b, enum nft_model_family family, struct nft_probe *probe, struct err *e)
{
	return nft_kernel_probe(b, family, probe, e) == 0 && nft_probe_check(probe, family, e) == 0;
}

static void find_ipv6(
	struct nft_backend *b, const struct settings *s, struct datapath_host *out, struct err *e)
{
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	out->has_ipv6 = nft_ipv6_available(s->test_root, e) == 0 &&
			is_supported(b, NFT_MODEL_V6, &probe, e);
	if (!out->has_ipv6)
		log_event(EV_DATAPATH_NO_IPV6, e->msg);
}

static struct nft_backend *open_kernel(
	const struct settings *s, struct loop *loop, struct datapath_host *out, struct err *e)
{
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	struct err no_ipv6;
	if (caps_need_net_admin(e) < 0)
		return NULL;
	struct nft_backend *b = nft_kernel_new(loop, e);
	if (b == NULL)
		return NULL;
	if (!is_supported(b, NFT_MODEL_V4, &probe, e)) {
		b->ops->free(b);
		return NULL;
	}
	out->has_numgen = probe.has_numgen;
	find_ipv6(b, s, out, &no_ipv6);
	return b;
}

struct nft_backend *datapath_host_open(
	const struct settings *s, struct loop *loop, struct datapath_host *out, struct err *e)
{
	if (s->test_fake_netfilter) {
		out->has_ipv6 = s->test_fake_netfilter_6;
		out->has_numgen = true;
		return nft_memory_new(loop);
	}
	if (strcmp(s->debug_firewall_mode, "iptables") == 0)
		log_event(EV_DATAPATH_MODE_IGNORED, s->debug_firewall_mode);
	struct nft_backend *b = open_kernel(s, loop, out, e);
	if (b == NULL)
		err_wrap(e, "error creating new netfilter runner");
	return b;
}

static char *owner_in_kubernetes(const struct settings *s)
{
	struct err unknown;
	AUTO(mem_free) char *dir = settings_account_dir(s);
	AUTO(mem_free) char *namespace_name = kube_read_namespace(dir, &unknown);
	return xasprintf("%s/%s", namespace_name != NULL ? namespace_name : "",
		s->pod_name[0] != '\0' ? s->pod_name : s->kube_secret);
}

char *datapath_host_owner(const struct settings *s)
{
	char host[HOST_NAME_SIZE] = "";
	if (s->in_kubernetes && s->kube_secret[0] != '\0')
		return owner_in_kubernetes(s);
	if (s->hostname[0] != '\0')
		return xasprintf("host/%s", s->hostname);
	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		return xstrdup("host/localhost");
	return xasprintf("host/%s", host);
}

void datapath_host_set_pod(const struct settings *s, struct nft_wanted *w)
{
	const char *const texts[] = {s->pod_ip, s->pod_ipv4, s->pod_ipv6};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ipaddr pod;
		struct err unused;
		if (texts[i][0] != '\0' && ipaddr_parse(texts[i], &pod, &unused) == 0)
			nft_wanted_set_pod(w, &pod);
	}
}

static int add_listener(struct nft_wanted *w, const char *text, struct err *e)
{
	struct addrport address;
	if (text[0] == '\0')
		return 0;
	if (addrport_parse(text, &address, e) < 0)
		return e->code;
	return nft_wanted_add_local_port(w, IPPROTO_TCP, address.port, e);
}

/* The number after a prefix, 0 when the word has another prefix or no port. */
static uint16_t port_behind(const char *word, const char *prefix)
{
	uint64_t port;
	struct err unused;
	if (!str_starts(word, prefix) ||
		str_to_u64(word + strlen(prefix), UINT16_MAX, &port, &unused) < 0)
		return 0;
	return (uint16_t)port;
}

/* An argument overrides the environment. */
static uint16_t find_daemon_port(const struct settings *s, char *const *env)
{
	AUTO(strv_fini) struct strv words = {0};
	uint16_t port = 0;
	for (size_t i = 0; env != NULL && env[i] != NULL && port == 0; i++)
		port = port_behind(env[i], "PORT=");
	str_words(s->tailscaled_extra_args, &words);
	for (size_t i = 0; i < words.len; i++) {
		uint16_t two_dashes = port_behind(words.items[i], "--port=");
		uint16_t one_dash = port_behind(words.items[i], "-port=");
		if (two_dashes != 0 || one_dash != 0)
			port = two_dashes != 0 ? two_dashes : one_dash;
	}
	return port;
}

int datapath_host_local_ports(
	const struct settings *s, char *const *daemon_env, struct nft_wanted *w, struct err *e)
{
	bool listens = s->enable_metrics || s->enable_health_check ||
		       s->egress_proxies_config_path[0] != '\0';
	if (listens && add_listener(w, s->local_addr_port, e) < 0)
		return e->code;
	if (add_listener(w, s->healthcheck_addr_port, e) < 0 ||
		add_listener(w, s->debug_addr_port, e) < 0)
		return e->code;
	uint16_t port = find_daemon_port(s, daemon_env);
	return port != 0 ? nft_wanted_add_local_port(w, IPPROTO_UDP, port, e) : 0;
}
