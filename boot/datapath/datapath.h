/*
 * The data path: collects the wanted rules of all features into one desired state, applies it,
 * reports the result, and removes it at the end. It owns the features and the firewall; the
 * supervisor passes it the facts about the node and is notified when endpoints may be published.
 *
 *	datapath_new        capabilities, features of the kernel, IPv6; whose tables
 *	datapath_claim      our tables, still without services; before the daemon starts
 *	datapath_start      features begin; once, at the first steady state
 *	datapath_update     own addresses, peers or DNS records may have changed
 *	datapath_remove     removes the tables; after the daemon has ended
 *
 * A failure after the first "Startup complete" is a condition: the present rules stay, and the new
 * ones are tried again with back-off.
 */
#ifndef BOOT_DATAPATH_DATAPATH_H
#define BOOT_DATAPATH_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/datapath/datapath_partners.h"
#include "lib/base/err.h"

struct datapath;
struct ipaddr;
struct selfnode;
struct statestore;

/* Called from the loop, never from within a call of this module. */
struct datapath_events {
	/* The rules are applied for the own addresses of the last update: datapath_is_ready is
	 * true. */
	void (*on_ready)(void *arg);
	/* The rules cannot be applied in the present situation; fatal before the first "Startup
	 * complete". They are tried again nevertheless. */
	void (*on_impossible)(void *arg, const struct err *why);
	/* More targets have answered, or are not waited for any longer. */
	void (*on_answered)(void *arg);
	/* A target of egress that had answered no longer does. */
	void (*on_target_lost)(void *arg, const struct ipaddr *target);
	void *arg;
};

/* NULL with the error set when the kernel or our capabilities do not allow a firewall: -EPERM,
 * -EPROTONOSUPPORT, -EOPNOTSUPP with the names of all missing features. */
struct datapath *datapath_new(const struct datapath_partners *partners,
	const struct datapath_events *events, struct err *e) MUST_CHECK;
/* The tables stay. NULL is accepted. */
void datapath_free(struct datapath *d);

/* Makes our tables; those of a killed run of this Pod stay as they are until its first successor
 * is steady. Connection tracking is on when this returns, before there is an open connection that
 * it could mistake for a new one. Once. */
void datapath_claim(struct datapath *d);
/* store and the daemon's environment are borrowed for the life of the data path. To be called again
 * after each start of the daemon: then only the peers are requested anew. */
void datapath_start(struct datapath *d, struct statestore *store, char *const *daemon_env);
/* has_netmap: all wanted peers were just reported. */
void datapath_update(struct datapath *d, const struct selfnode *self, bool has_netmap);
/* The daemon has ended: the facts about peers may be old, but nothing is removed because of
 * that. */
void datapath_forget_netmap(struct datapath *d);

/* The control server has sent news: targets of egress that have answered are watched again. */
void datapath_watch_targets(struct datapath *d);

/* Everything that must carry traffic before endpoints are published is applied, for these
 * addresses. */
bool datapath_is_ready(const struct datapath *d, const struct selfnode *self);
/* That was true at least once, for any addresses. */
bool datapath_was_ready(const struct datapath *d);
/* After that: every target of egress has answered through the tunnel, or was waited for long
 * enough. Stays true. */
bool datapath_targets_answered(const struct datapath *d);
/* A target of the settings is not known yet: the start-up waits for another party. */
bool datapath_waits_for_target(const struct datapath *d);

/* Ends the features and removes the tables, also those of a killed run, however early; fn is called
 * once, from the loop. */
void datapath_remove(struct datapath *d, void (*fn)(void *arg), void *arg);
bool datapath_is_removing(const struct datapath *d);

#endif
