/*
 * `tailboot check`: the needs of the data path.
 */
#include "boot/check_report.h"

#include <errno.h>

#include "boot/config/daemon_config.h"
#include "boot/datapath/datapath_host.h"
#include "boot/host/addresses.h"
#include "boot/settings/settings.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/contract/ingress_config.h"
#include "lib/io/atomicfile.h"
#include "lib/io/loop.h"
#include "lib/nft/nft_backend.h"

void check_addresses(struct check *c)
{
	char sentence[ADDRESSES_SENTENCE_MAX];
	AUTO(daemon_config_values_fini) struct daemon_config_values values = {0};
	struct err unused;
	/* It was loaded with the settings. */
	if (settings_is_one_step(c->s) &&
		daemon_config_load(c->s->config_path, &values, &unused) < 0)
		return;
	switch (addresses_find(c->s, values.netfilter_mode, sentence)) {
	case ADDRESSES_CLEAR:
		break;
	case ADDRESSES_SHARED:
		check_pass(c, "%s", sentence);
		break;
	case ADDRESSES_DROPPED:
		check_fault(c, "%s", sentence);
		break;
	}
}

void check_firewall(struct check *c)
{
	struct datapath_host host = {0};
	struct err e;
	if (!settings_is_l3_proxy(c->s))
		return;
	struct loop *loop = loop_new(&e);
	struct nft_backend *b = loop != NULL ? datapath_host_open(c->s, loop, &host, &e) : NULL;
	if (b == NULL) {
		check_fault(c, "%s", e.msg);
	} else {
		check_pass(c, "firewall: nftables, %s",
			host.has_ipv6 ? "IPv4 and IPv6" : "IPv4 alone");
		b->ops->free(b);
	}
	loop_free(loop);
}

/* Negative when there is nothing to check, which is reported. */
static int read_services(struct check *c, const char *path, struct buf *text)
{
	struct err e;
	int code = atomicfile_read(path, text, &e);
	if (code == -ENOENT)
		check_pass(c, "%s does not exist yet, it is waited for", path);
	else if (code < 0)
		check_fault(c, "%s: %s", path, e.msg);
	return code;
}

static void check_egress(struct check *c)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	AUTO(mem_free)
	char *path = xasprintf("%s/%s", c->s->egress_proxies_config_path, EGRESS_CONFIG_FILE);
	struct egress_config config = {0};
	struct err e;
	if (read_services(c, path, &text) < 0)
		return;
	if (egress_config_parse(buf_cstr(&text), text.len, &config, &e) < 0) {
		check_fault(c, "%s: %s", path, e.msg);
		return;
	}
	size_t faults = c->faults;
	for (size_t i = 0; i < config.count; i++) {
		const struct egress_service *s = &config.services[i];
		if (s->fault != NULL)
			check_fault(c, "%s: egress service %s: %s", path, s->name, s->fault);
	}
	check_pass(c, "%s: %zu egress services without a fault", path,
		config.count - (c->faults - faults));
	egress_config_fini(&config);
}

static void check_ingress(struct check *c)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	const char *path = c->s->ingress_proxies_config_path;
	struct ingress_config config = {0};
	struct err e;
	if (read_services(c, path, &text) < 0)
		return;
	if (ingress_config_parse(buf_cstr(&text), text.len, &config, &e) < 0) {
		check_fault(c, "%s: %s", path, e.msg);
		return;
	}
	size_t faults = c->faults;
	for (size_t i = 0; i < config.count; i++) {
		const struct ingress_service *s = &config.services[i];
		if (s->fault != NULL)
			check_fault(c, "%s: ingress service %s: %s", path, s->name, s->fault);
	}
	check_pass(c, "%s: %zu ingress services without a fault", path,
		config.count - (c->faults - faults));
	ingress_config_fini(&config);
}

void check_services(struct check *c)
{
	if (c->s->egress_proxies_config_path[0] != '\0')
		check_egress(c);
	if (c->s->ingress_proxies_config_path[0] != '\0')
		check_ingress(c);
}
