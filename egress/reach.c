#include "egress/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void append(
	char out[static REACH_LIST_MAX], size_t *len, const char *separator, const char *text)
{
	int n = snprintf(out + *len, REACH_LIST_MAX - *len, "%s%s", separator, text);
	*len += (size_t)n;
	if (*len >= REACH_LIST_MAX)
		*len = REACH_LIST_MAX - 1;
}

const char *reach_format(const struct nft_addresses *list, char out[static REACH_LIST_MAX])
{
	char text[IPPREFIX_TEXT_MAX];
	size_t len = 0;
	append(out, &len, "[", "");
	for (size_t i = 0; i < list->len; i++) {
		struct ipprefix prefix = ipprefix_from_addr(&list->items[i]);
		ipprefix_format(&prefix, text);
		append(out, &len, i > 0 ? " " : "", text);
	}
	append(out, &len, "]", "");
	return out;
}

const char *reach_format_own(const struct nft_wanted *w, char out[static REACH_LIST_MAX])
{
	struct ipaddr items[NFT_MODEL_FAMILIES];
	struct nft_addresses own = {.items = items};
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (w->families[f].is_enabled && w->families[f].own.family != IPADDR_NONE)
			items[own.len++] = w->families[f].own;
	}
	return reach_format(&own, out);
}

int reach_check(const struct nft_wanted *w, const struct ipaddr *target, struct err *e)
{
	static const uint8_t zero[sizeof(target->bytes)];
	char text[IPADDR_TEXT_MAX];
	char own[REACH_LIST_MAX];
	const struct nft_wanted_family *family = &w->families[nft_model_family_of(target)];
	ipaddr_format(target, text);
	if (target->zone[0] != '\0' || memcmp(target->bytes, zero, sizeof(zero)) == 0)
		return err_set(e, -EINVAL, "tailnet target cannot be %s", text);
	if (!family->is_enabled)
		return err_set(e, -EAFNOSUPPORT,
			"tailnet target %s is an %s address, but this host does not support %s in "
			"the chosen firewall mode, skipping.",
			text, target->family == IPADDR_V6 ? "IPv6" : "IPv4",
			target->family == IPADDR_V6 ? "IPv6" : "IPv4");
	if (family->own.family == IPADDR_NONE)
		return err_set(e, -EADDRNOTAVAIL,
			"no tailscale IP matching family of %s found in %s", text,
			reach_format_own(w, own));
	return 0;
}

int reach_pick(const struct nft_wanted *w, const struct nft_addresses *list,
	struct nft_addresses *out, struct err *e)
{
	bool has[NFT_MODEL_FAMILIES] = {false, false};
	struct err failures[NFT_MODEL_FAMILIES] = {{0}, {0}};
	for (size_t i = 0; i < list->len; i++) {
		const struct ipaddr *addr = &list->items[i];
		enum nft_model_family family = nft_model_family_of(addr);
		struct err failure;
		if (has[family])
			continue;
		has[family] = reach_check(w, addr, &failure) == 0;
		if (has[family])
			nft_addresses_add(out, addr);
		else if (failures[family].code == 0)
			failures[family] = failure;
	}
	err_clear(e);
	for (int f = NFT_MODEL_FAMILIES - 1; f >= 0; f--) {
		if (!has[f] && failures[f].code < 0)
			*e = failures[f];
	}
	return e->code;
}
