/*
 * Publishes a running node: its identity in the store, its health, the features that serve other
 * nodes (serve configuration, certificates, advertised Services), and keeps the data path up to
 * date. Endpoints are published only while they carry traffic.
 *
 *	publish_init(&publish, &partners, &events);
 *	publish_learn(&publish, n);		 each report of the bus
 *	publish_enter(&publish, env);		 Running and configured
 *	publish_update(&publish, n);		 … and each report from then on
 *	publish_pause / publish_leave		 no longer Running / the daemon has ended
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
	struct datapath *datapath; /* NULL when the settings need none */
	const struct settings *settings;
	const struct times *times;
};

struct publish_events {
	/* All values may be published now: publish_is_complete. */
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
	bool dns_config_is_old; /* a change came while the request was under way */
	struct strv cert_domains;
	bool has_netmap; /* a network map was received once */
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
/* Brings all published values up to date. Does nothing while not active, or for a report that
 * changes nothing. */
void publish_update(struct publish *p, const struct ipn_notify *n);
/* Whether the control server refuses the node although it counts as Running: then it is not
 * healthy. */
void publish_set_refused(struct publish *p, bool is_refused);
/* The node has left Running: it is not healthy, and the facts about its peers are old. */
void publish_pause(struct publish *p);
/* The daemon has ended: cancels its requests. */
void publish_leave(struct publish *p);
/* For the stop: nothing new begins, published values stay. */
void publish_stop(struct publish *p);
/* Withdraws the advertised Services, see advertise_withdraw. */
void publish_withdraw(struct publish *p, uint32_t calls_ms, uint32_t grace_ms,
	void (*fn)(void *arg, const struct err *err), void *arg);

/* Callback of the data path: its rules are applied. */
void publish_on_datapath_ready(struct publish *p);
/* Callback of the data path: targets have answered. */
void publish_on_targets_answered(struct publish *p);
/* The node is known, its rules are applied, and all values to publish are stored. */
bool publish_is_complete(const struct publish *p);

#endif
