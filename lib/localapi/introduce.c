#include "lib/localapi/introduce.h"

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

static void on_introduced(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	if (err == NULL)
		slot->call = localapi_ping(
			slot->owner_ref->api_ref, slot->target, "disco", on_pinged, slot);
	else
		on_pinged(slot, reply, err);
}

static void ping_next(struct introduce_slot *slot)
{
	struct introduce *i = slot->owner_ref;
	if (i->next == i->count)
		return;
	slot->target = &i->targets[i->next++];
	slot->call = localapi_ping(i->api_ref, slot->target, "TSMP", on_introduced, slot);
}

void introduce_init(struct introduce *i, struct localapi *api)
{
	i->api_ref = api;
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++)
		i->slots[k].owner_ref = i;
}

void introduce_add(struct introduce *i, const struct ipaddr *target)
{
	if (target->family == IPADDR_NONE || i->count == INTRODUCE_MAX)
		return;
	for (size_t k = 0; k < i->count; k++) {
		if (ipaddr_equal(&i->targets[k], target))
			return;
	}
	i->targets[i->count++] = *target;
}

void introduce_begin(struct introduce *i)
{
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		if (i->slots[k].call == NULL)
			ping_next(&i->slots[k]);
	}
}

void introduce_stop(struct introduce *i)
{
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		localapi_cancel(i->slots[k].call);
		i->slots[k].call = NULL;
	}
	i->count = 0;
	i->next = 0;
}
