/*
 * The daemon's reports about the node: one subscription for the life of each daemon process, the
 * facts that other modules need later, and the condition of the stream itself (BusLost). The login
 * and publish rooms interpret the reports.
 *
 *	bus_init(&bus, &partners, &events);
 *	bus_start(&bus);
 *	if (bus.facts.ipn_state == IPN_STATE_RUNNING) …
 */
#ifndef BOOT_BUS_BUS_H
#define BOOT_BUS_BUS_H

#include <stdbool.h>

#include "lib/localapi/ipnbus.h"
#include "lib/localapi/selfnode.h"

struct condition_set;
struct localapi;
struct loop;
struct peers;
struct records;
struct times;

/* All borrowed. */
struct bus_partners {
	struct loop *loop;
	struct localapi *api;
	struct condition_set *conditions;
	const struct times *times;
};

struct bus_events {
	void (*on_open)(void *arg); /* subscribed (again) */
	void (*on_lost)(void *arg); /* it is reopened automatically */
	/* The facts already include this message. */
	void (*on_notify)(void *arg, const struct ipn_notify *n);
	void *arg;
};

struct bus_facts {
	enum ipn_state ipn_state; /* IPN_STATE_UNKNOWN: not reported by this process */
	struct selfnode self;     /* the newest one with an identity; outlives the daemon process */
};

struct bus {
	struct condition_set *conditions_ref;
	struct bus_events events;
	struct peers *peers;
	struct records *records;
	struct ipnbus *stream;
	struct bus_facts facts;
	bool is_heard; /* since the subscription was opened */
};

void bus_init(struct bus *b, const struct bus_partners *partners, const struct bus_events *events);
void bus_fini(struct bus *b); /* zeroed is accepted */

void bus_start(struct bus *b);
void bus_stop(struct bus *b); /* no more callbacks until the next start */
/* The daemon process has ended, and its state with it. */
void bus_forget_daemon(struct bus *b);
bool bus_is_open(const struct bus *b);
/* A subscription begins with a message: until it is here the daemon has only accepted the call. */
bool bus_is_heard(const struct bus *b);

#endif
