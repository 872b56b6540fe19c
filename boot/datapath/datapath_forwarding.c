#include "boot/datapath/datapath_forwarding.h"

#include "boot/datapath/datapath_conditions.h"
#include "boot/host/sysctl.h"
#include "boot/settings/settings.h"

void datapath_forwarding_init(struct datapath_forwarding *f, const struct settings *settings,
	struct condition_set *conditions)
{
	*f = (struct datapath_forwarding){.settings_ref = settings, .conditions_ref = conditions};
}

static bool is_needed(const struct nft_wanted *w, enum nft_model_family family)
{
	const struct nft_wanted_family *wanted = &w->families[family];
	if (wanted->backends.len > 0 || wanted->catch_all.family != IPADDR_NONE)
		return true;
	for (size_t i = 0; i < w->portmap_count; i++) {
		if (nft_model_family_of(&w->portmaps[i].target) == family)
			return true;
	}
	for (size_t i = 0; i < w->pair_count; i++) {
		if (nft_model_family_of(&w->pairs[i].from) == family)
			return true;
	}
	return false;
}

/* The condition has one reason; that of IPv4 takes precedence. */
static bool switch_on(struct datapath_forwarding *f)
{
	struct err first = {0};
	for (int family = 0; family < NFT_MODEL_FAMILIES; family++) {
		struct sysctl_need need = {
			.ipv4 = family == NFT_MODEL_V4, .ipv6 = family == NFT_MODEL_V6};
		struct err e = {0};
		f->is_off[family] = f->is_needed[family] &&
				    sysctl_enable_forwarding(f->settings_ref, &need, &e) < 0;
		if (f->is_off[family] && first.code == 0)
			first = e;
	}
	if (first.code < 0)
		condition_raise(f->conditions_ref, CONDITION_FORWARDING_OFF, "%s", first.msg);
	else
		condition_clear(f->conditions_ref, CONDITION_FORWARDING_OFF);
	return first.code == 0;
}

bool datapath_forwarding_enable(struct datapath_forwarding *f, const struct nft_wanted *w)
{
	/* Without a tunnel device of the kernel there is nothing to forward to. */
	for (int family = 0; family < NFT_MODEL_FAMILIES; family++)
		f->is_needed[family] =
			!f->settings_ref->userspace && is_needed(w, (enum nft_model_family)family);
	return switch_on(f);
}

bool datapath_forwarding_has_changed(struct datapath_forwarding *f)
{
	bool was_off[NFT_MODEL_FAMILIES] = {f->is_off[NFT_MODEL_V4], f->is_off[NFT_MODEL_V6]};
	switch_on(f);
	return f->is_off[NFT_MODEL_V4] != was_off[NFT_MODEL_V4] ||
	       f->is_off[NFT_MODEL_V6] != was_off[NFT_MODEL_V6];
}
