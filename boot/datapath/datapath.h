/*
 * The data path: what the features want of the firewall, collected into one wish, applied, told
 * back, and taken away at the end. It owns the features and the firewall; the supervisor tells it
 * what is known of the node and is told when endpoints may be published.
 *
 *	datapath_new        capabilities, what the kernel has, IPv6
 *	datapath_claim      tables of ours, still without services; before the daemon starts
 *	datapath_start      features begin; once, at the first steady state
 *	datapath_update     own addresses, peers or DNS records may have changed
 *	datapath_remove     the tables go; after the daemon has ended
 *
 * A failure after the first "Startup complete" is a condition: what stood goes on, and it is tried
 * again with back-off.
 */
#ifndef BOOT_DATAPATH_DATAPATH_H
#define BOOT_DATAPATH_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/datapath/datapath_partners.h"
#include "lib/base/err.h"

struct datapath;
struct selfnode;
struct statestore;

/* Called from the loop, never from within a call of this module. */
struct datapath_events {
	/* The rules stand for the own addresses of the last update: datapath_is_ready is true. */
	void (*on_ready)(void *arg);
	/* What can never stand as things are; fatal before the first "Startup complete". It is
	 * tried again all the same. */
	void (*on_impossible)(void *arg, const struct err *why);
	void *arg;
};

/* NULL with the error set when the kernel or our capabilities do not allow a firewall: -EPERM,
 * -EPROTONOSUPPORT, -EOPNOTSUPP with all that is missing by name. */
struct datapath *datapath_new(const struct datapath_partners *partners,
	const struct datapath_events *events, struct err *e) MUST_CHECK;
/* The tables stay. NULL is accepted. */
void datapath_free(struct datapath *d);

/* From now on the tables are ours: what a killed run of this Pod left goes on until its first
 * successor is steady, and is removed at the end, however early that is. Connection tracking is on
 * when this returns, before any connection is open that it could take for a new one.
 * namespace_name NULL outside Kubernetes. Once. */
void datapath_claim(struct datapath *d, const char *namespace_name);
/* store and the daemon's environment are borrowed for the life of the data path. Again after each
 * start of the daemon: then only the peers are asked for anew. */
void datapath_start(struct datapath *d, struct statestore *store, char *const *daemon_env);
/* has_netmap: all peers that are wanted were told just now. */
void datapath_update(struct datapath *d, const struct selfnode *self, bool has_netmap);
/* The daemon is gone: what is known of peers may be old, and nothing is taken away for that. */
void datapath_forget_netmap(struct datapath *d);

/* All that must carry traffic before endpoints are published stands, for these addresses. */
bool datapath_is_ready(const struct datapath *d, const struct selfnode *self);
/* It stood once, for whatever addresses. */
bool datapath_was_ready(const struct datapath *d);
/* A target of the settings is not known yet: the start-up waits for somebody else. */
bool datapath_waits_for_target(const struct datapath *d);

/* Ends the features and takes the tables away; fn comes once, from the loop. False, and no call,
 * when nothing was claimed. */
bool datapath_remove(struct datapath *d, void (*fn)(void *arg), void *arg);
bool datapath_is_removing(const struct datapath *d);

#endif
