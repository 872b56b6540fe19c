#include "boot/datapath/datapath_internal.h"

#include "boot/host/host_events.h"
#include "boot/host/tun.h"
#include "boot/settings/settings.h"
#include "lib/base/log.h"
#include "lib/nft/nft_model.h"

static void set_own(const struct datapath *d, struct nft_wanted *w)
{
	bool has[NFT_MODEL_FAMILIES] = {false, false};
	for (size_t i = 0; i < d->self.address_count; i++) {
		const struct ipprefix *p = &d->self.addresses[i];
		enum nft_model_family family = nft_model_family_of(&p->addr);
		if (!ipprefix_is_single(p) || has[family])
			continue;
		has[family] = true;
		nft_wanted_set_own(w, &p->addr);
	}
}

/* Without services and own addresses. */
void datapath_init_wanted(const struct datapath *d, struct nft_wanted *w)
{
	nft_wanted_init(w, TUN_NAME, d->owner);
	if (!d->host.has_ipv6)
		nft_wanted_disable(w, NFT_MODEL_V6);
	if (!d->host.has_numgen)
		nft_wanted_unbalance(w);
}

/* A closed family is refused to the features, like a family without a firewall. */
static enum datapath_share collect(struct datapath *d, const bool is_closed[NFT_MODEL_FAMILIES],
	struct nft_wanted *w, struct err *why)
{
	const struct settings *s = d->with.settings;
	struct egress_netmap netmap = {d->with.peers, d->with.records, d->has_netmap};
	struct err e;
	datapath_init_wanted(d, w);
	for (int family = 0; family < NFT_MODEL_FAMILIES; family++) {
		if (is_closed[family])
			nft_wanted_disable(w, (enum nft_model_family)family);
	}
	set_own(d, w);
	datapath_host_set_pod(s, w);
	/* The texts were checked with the settings. */
	if (datapath_host_local_ports(s, d->daemon_env_ref, w, &e) < 0)
		log_event(EV_STEP_FAILED, e.msg);
	return datapath_features_contribute(&d->features, &netmap, w, why);
}

/* If the kernel does not forward a family, services do not use it. A single target is held back:
 * its rules are applied, but endpoints are not published. */
enum datapath_share datapath_collect(struct datapath *d, struct nft_wanted *w, struct err *why)
{
	static const bool none[NFT_MODEL_FAMILIES] = {false, false};
	enum datapath_share share = collect(d, none, w, why);
	if (datapath_forwarding_enable(&d->forwarding, w) || share == DATAPATH_SHARE_IMPOSSIBLE)
		return share;
	if (datapath_features_has_single(&d->features))
		return DATAPATH_SHARE_HELD;
	nft_wanted_fini(w);
	return collect(d, d->forwarding.is_off, w, why);
}
