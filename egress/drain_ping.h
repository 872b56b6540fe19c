/*
 * Pings of one health check endpoint at a time: which Pod answers there, this one or another?
 *
 * Each ping is a GET on its own connection, so that each may reach a different backend. The head of
 * the answer is enough; the body is not awaited. Any answer with any status counts, also a
 * redirect, which is not followed. The host name is resolved once when the endpoint is opened, and
 * the pings rotate through its addresses, preferably those of the family of this Pod's address.
 *
 *	drain_ping_open(&ping, url, rotation);
 *	if (drain_ping_send(&ping, &e) < 0)
 *		there is nothing to ping
 *	... on_sight(arg, sight, why), then another drain_ping_send, or drain_ping_close
 */
#ifndef EGRESS_DRAIN_PING_H
#define EGRESS_DRAIN_PING_H

#include <stddef.h>
#include <stdint.h>

#include "egress/drain_plan.h"
#include "lib/base/err.h"
#include "lib/io/resolve.h"

struct fetch;
struct fetcher;

/* Shared by all pings; must not move while there are pings. */
struct drain_ping_setup {
	struct fetcher *fetcher_ref;
	struct resolver *resolver_ref;
	char *own;          /* address of this Pod, not empty */
	const char *header; /* in which a Pod sends its address */
	enum ipaddr_family family;
	uint32_t timeout_ms; /* of a ping, from the connect to the head; of resolving */
};

/* err is NULL when there was an answer. Never from within drain_ping_send. */
typedef void (*drain_ping_fn)(void *arg, enum drain_sight sight, const struct err *err);

struct drain_ping {
	const struct drain_ping_setup *setup;
	drain_ping_fn fn;
	void *arg;
	const char *url_ref;
	uint32_t turn; /* index into the addresses */
	struct ipaddr addresses[RESOLVE_ADDRESSES_MAX];
	size_t address_count; /* 0 = not resolved yet */
	struct resolve *question;
	struct fetch *fetch;
};

void drain_ping_init(
	struct drain_ping *p, const struct drain_ping_setup *setup, drain_ping_fn fn, void *arg);
/* url must stay valid until the close; turn selects the first address. */
void drain_ping_open(struct drain_ping *p, const char *url, uint32_t turn);
/* One at a time. -EINVAL for an invalid URL: then the callback is not called. */
int drain_ping_send(struct drain_ping *p, struct err *e) MUST_CHECK;
/* Cancels the current ping without a callback; safe inside one. */
void drain_ping_close(struct drain_ping *p);

#endif
