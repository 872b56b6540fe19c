#include "boot/datapath/introduce.h"

#include "lib/base/ipaddr.h"
#include "lib/localapi/localapi.h"

static void ping_next(struct introduce_slot *slot);

static void on_pinged(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	(void)reply;
	(void)err;
	slot->call = NULL;
	ping_next(slot);
}

static void ping_next(struct introduce_slot *slot)
{
	struct introduce *i = slot->owner_ref;
	if (i->next == i->targets.len)
		return;
	slot->call = localapi_ping(i->api_ref, &i->targets.items[i->next++], on_pinged, slot);
}

static void add(struct introduce *i, const struct ipaddr *target)
{
	if (target->family != IPADDR_NONE && i->targets.len < INTRODUCE_MAX &&
		!nft_addresses_contain(&i->targets, target))
		nft_addresses_add(&i->targets, target);
}

void introduce_init(struct introduce *i, struct localapi *api)
{
	i->api_ref = api;
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++)
		i->slots[k].owner_ref = i;
}

void introduce_fini(struct introduce *i)
{
	introduce_stop(i);
}

void introduce_to(struct introduce *i, const struct nft_wanted *w)
{
	introduce_stop(i);
	for (size_t k = 0; k < NFT_MODEL_FAMILIES; k++)
		add(i, &w->families[k].catch_all);
	for (size_t k = 0; k < w->portmap_count; k++)
		add(i, &w->portmaps[k].target);
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++)
		ping_next(&i->slots[k]);
}

void introduce_stop(struct introduce *i)
{
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		localapi_cancel(i->slots[k].call);
		i->slots[k].call = NULL;
	}
	nft_addresses_fini(&i->targets);
	i->next = 0;
}
