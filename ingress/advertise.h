/*
 * Advertised Services: what the daemon's current serve config holds is what it advertises; at the
 * stop it is withdrawn, so that clients are sent elsewhere before the tunnel goes away. Nothing
 * waits on the loop. A failure is the condition AdvertiseFailed and is tried again with back-off.
 *
 *	struct advertise *a = advertise_new(loop, api, conditions, &options);
 *	advertise_refresh(a);
 *	...
 *	advertise_withdraw(a, 2000, 20000, on_withdrawn, me);
 */
#ifndef INGRESS_ADVERTISE_H
#define INGRESS_ADVERTISE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct advertise;
struct condition_set;
struct strv;
struct localapi;
struct loop;

struct advertise_options {
	bool automatic;    /* TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT */
	uint32_t pause_ms; /* between two looks that notifications cause */
	uint32_t retry_base_ms, retry_max_ms;
};

struct advertise *advertise_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct advertise_options *options);
void advertise_free(struct advertise *a);

/* Reads the daemon's serve config and advertises its Services where that differs from what the
 * daemon advertises. Call when the node is up, after a serve config was applied, and after the
 * daemon was restarted. */
void advertise_refresh(struct advertise *a);
/* The same for each notification: the command line and an operator change the serve config too, and
 * the daemon does not say so. Many of them make few looks. */
void advertise_look(struct advertise *a);
/* Services that stay in the serve config without being advertised, copied; counts from the next
 * look on. */
void advertise_withhold(struct advertise *a, const struct strv *services);
/* Forgets what was advertised (the daemon was restarted). */
void advertise_forget(struct advertise *a);

/* Withdraws everything, also what somebody else advertised, in at most calls_ms, and gives clients
 * settle_ms to notice. fn comes exactly once, never from within the call, and may free a; err says
 * why it could not be withdrawn. Nothing advertised: no pause. To be called once; refreshes do
 * nothing after it. */
void advertise_withdraw(struct advertise *a, uint32_t calls_ms, uint32_t settle_ms,
	void (*fn)(void *arg, const struct err *err), void *arg);

#endif
