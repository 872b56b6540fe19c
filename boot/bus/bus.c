#include "boot/bus/bus.h"

#include "boot/bus/bus_conditions.h"
#include "boot/settings/times.h"
#include "config.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

static void on_open(void *arg)
{
	struct bus *b = arg;
	b->is_heard = false;
	b->events.on_open(b->events.arg);
}

static void on_lost(void *arg, const struct err *why)
{
	struct bus *b = arg;
	condition_raise(b->conditions_ref, CONDITION_BUS_LOST, "failed to read from tailscaled: %s",
		why->msg);
	b->events.on_lost(b->events.arg);
}

/* A daemon that has lost its state reports an empty node until it is logged in: the known facts
 * stay until there is something to replace them. */
static bool is_identity(const struct selfnode *self)
{
	return self->stable_id[0] != '\0' || self->fqdn[0] != '\0' || self->address_count > 0;
}

static void on_notify(void *arg, const struct ipn_notify *n)
{
	struct bus *b = arg;
	enum ipn_state state = ipn_notify_state(n);
	b->is_heard = true;
	condition_clear(b->conditions_ref, CONDITION_BUS_LOST);
	if (state != IPN_STATE_UNKNOWN)
		b->facts.ipn_state = state;
	if (n->self != NULL && is_identity(n->self))
		selfnode_copy(&b->facts.self, n->self);
	b->events.on_notify(b->events.arg, n);
}

void bus_init(struct bus *b, const struct bus_partners *partners, const struct bus_events *events)
{
	const struct times *t = partners->times;
	struct ipnbus_times times = {
		.retry_base_ms = t->bus_retry_base_ms,
		.retry_max_ms = t->bus_retry_max_ms,
		.stall_ms = t->bus_stall_ms,
	};
	struct ipnbus_events stream_events = {on_open, on_notify, on_lost, b};
	*b = (struct bus){
		.conditions_ref = partners->conditions,
		.events = *events,
		.facts.ipn_state = IPN_STATE_UNKNOWN,
	};
	b->peers = peers_new();
	b->records = records_new();
	b->stream = ipnbus_new(partners->loop, partners->api, b->peers, &times, &stream_events);
	ipnbus_set_records(b->stream, b->records);
	/* The daemon itself names its version with the first answer. */
	ipnbus_set_capability(b->stream, TAILBOOT_CAPVER);
}

void bus_fini(struct bus *b)
{
	ipnbus_free(b->stream);
	peers_free(b->peers);
	records_free(b->records);
	selfnode_fini(&b->facts.self);
}

void bus_start(struct bus *b)
{
	ipnbus_start(b->stream);
}

void bus_stop(struct bus *b)
{
	ipnbus_stop(b->stream);
}

void bus_forget_daemon(struct bus *b)
{
	ipnbus_stop(b->stream);
	b->facts.ipn_state = IPN_STATE_UNKNOWN;
}

bool bus_is_open(const struct bus *b)
{
	return ipnbus_is_open(b->stream);
}

bool bus_is_heard(const struct bus *b)
{
	return b->is_heard && bus_is_open(b);
}
