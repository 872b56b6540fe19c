/*
 * Advertised Services: the daemon advertises the Services of its current serve config; at the stop
 * they are withdrawn, so that clients go elsewhere before the tunnel goes away. Nothing blocks the
 * loop. A failure raises the condition AdvertiseFailed and is retried with back-off.
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
	uint32_t pause_ms; /* between two checks that notifications cause */
	uint32_t retry_base_ms, retry_max_ms;
};

struct advertise *advertise_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct advertise_options *options);
void advertise_free(struct advertise *a);

/* Reads the daemon's serve config and advertises its Services where that differs from what the
 * daemon advertises. Call it when the node is up, after a serve config has been applied, and after
 * the daemon has been restarted. */
void advertise_refresh(struct advertise *a);
/* The same for each notification: the command line and an operator change the serve config too,
 * and the daemon does not report it. Many notifications cause few checks. */
void advertise_look(struct advertise *a);
/* Services that stay in the serve config without being advertised, copied; effective from the next
 * check on. */
void advertise_withhold(struct advertise *a, const struct strv *services);
/* Forgets what was advertised (the daemon has been restarted). */
void advertise_forget(struct advertise *a);

/* Withdraws everything, including what others advertised, in at most calls_ms, and gives clients
 * grace_ms to notice. fn is called exactly once, never from within the call, and may free a; err
 * says why the withdrawal failed. Nothing advertised: no pause. To be called once; later refreshes
 * do nothing. */
void advertise_withdraw(struct advertise *a, uint32_t calls_ms, uint32_t grace_ms,
	void (*fn)(void *arg, const struct err *err), void *arg);

#endif
