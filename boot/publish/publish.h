/*
 * What a running node shows: its identity in the store, its health, the features that serve it to
 * others (serve configuration, certificates, advertised Services), and the data path kept up to
 * date with what is known of it. Endpoints are published only while they carry traffic.
 *
 *	publish_init(&publish, &partners, &events);
 *	publish_learn(&publish, n);		 each report of the bus
 *	publish_enter(&publish, env);		 Running and configured
 *	publish_update(&publish, n);		 … and each report from then on
 *	publish_pause / publish_leave		 no longer Running / the daemon is gone
 */
#ifndef BOOT_PUBLISH_PUBLISH_H
#define BOOT_PUBLISH_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct advertise;
struct bus;
struct certs;
struct condition_set;
struct datapath;
struct health;
struct ipn_notify;
struct localapi;
struct localapi_call;
struct loop;
struct node_store;
struct serve;
struct settings;
struct times;

/* All borrowed. */
struct publish_partners {
	struct loop *loop;
	struct localapi *api;
	struct condition_set *conditions;
	struct bus *bus;
	struct node_store *store;
	struct health *health;
	struct datapath *datapath; /* NULL when the settings ask for none */
	const struct settings *settings;
	const struct times *times;
};

struct publish_events {
	/* What is shown may be complete now: publish_is_complete. */
	void (*on_progress)(void *arg);
	/* The end of publish_reset_serve; err NULL when nothing is served any more. */
	void (*on_serve_reset)(void *arg, const struct err *err);
	void *arg;
};

struct publish {
	struct publish_partners partners;
	struct publish_events events;
	struct serve *serve; /* NULL until the first publish_enter, and without a file */
	struct advertise *advertise;
	struct certs *certs;
	struct localapi_call *dns_config;
	bool dns_config_is_old; /* a change came while it was under way */
	struct strv cert_domains;
	bool has_netmap; /* a network map has come once */
	struct localapi_call *serve_reset;
	bool serve_was_reset; /* the previous serve configuration was unset, once per process */
	bool is_active;       /* entered, and not paused or left since */
	bool is_refused;
};

void publish_init(struct publish *p, const struct publish_partners *partners,
	const struct publish_events *events);
void publish_fini(struct publish *p); /* zeroed is accepted */

/* Facts of a report, in every state. */
void publish_learn(struct publish *p, const struct ipn_notify *n);

/* Unsets what an earlier run served; on_serve_reset follows. False: nothing to unset. */
bool publish_reset_serve(struct publish *p);

/* daemon_env is borrowed for the life of the data path. */
void publish_enter(struct publish *p, char *const *daemon_env);
/* Brings all that is shown up to date. Nothing while not active, or for a report that changes
 * nothing. */
void publish_update(struct publish *p, const struct ipn_notify *n);
/* Whether the control server no longer lets the node in, though it counts as Running: then it is
 * not healthy. */
void publish_set_refused(struct publish *p, bool is_refused);
/* The node has left Running: it is not healthy, and what is known of its peers is old. */
void publish_pause(struct publish *p);
/* The daemon is gone: what was under way on it ends. */
void publish_leave(struct publish *p);
/* For the stop: nothing new begins, what is published stays. */
void publish_stop(struct publish *p);
/* Withdraws the advertised Services, see advertise_withdraw. */
void publish_withdraw(struct publish *p, uint32_t calls_ms, uint32_t grace_ms,
	void (*fn)(void *arg, const struct err *err), void *arg);

/* Callback of the data path: its rules stand. */
void publish_on_datapath_ready(struct publish *p);
/* The node is known, its rules stand, and all that is to be published is stored. */
bool publish_is_complete(const struct publish *p);

#endif
