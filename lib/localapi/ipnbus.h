/*
 * The daemon's notification stream (GET /localapi/v0/watch-ipn-bus): one subscription for the
 * lifetime of a daemon, always drained, scanned as it arrives and never buffered, whatever the size
 * of a message. When the stream is lost, falls behind or stalls in the middle of a message, it
 * subscribes again with back-off until it is stopped. A daemon that can suspend a slow reader
 * (1.104) is asked to do so, and is resumed instead: the stream then starts over on the same
 * connection.
 *
 * The subscription requests initial state, preferences, health and status, peer changes without
 * whole network maps, and peer patches (which would otherwise be promoted to whole nodes).
 *
 *	struct ipnbus *bus = ipnbus_new(loop, api, peers, &times, &events);
 *	ipnbus_start(bus);
 */
#ifndef LIB_LOCALAPI_IPNBUS_H
#define LIB_LOCALAPI_IPNBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/localapi/selfnode.h"

struct loop;
struct localapi;
struct peers;
struct records;
struct ipnbus;

/* ipn.State of the daemon. */
enum ipn_state {
	IPN_STATE_UNKNOWN = -1, /* absent or an unknown name */
	IPN_STATE_NO_STATE = 0,
	IPN_STATE_IN_USE_OTHER_USER = 1,
	IPN_STATE_NEEDS_LOGIN = 2,
	IPN_STATE_NEEDS_MACHINE_AUTH = 3,
	IPN_STATE_STOPPED = 4,
	IPN_STATE_STARTING = 5,
	IPN_STATE_RUNNING = 6,
};

const char *ipn_state_name(enum ipn_state state); /* "NeedsLogin"; "" for unknown */
enum ipn_state ipn_state_parse(const char *name);

#define IPN_WARNINGS_MAX 32
#define IPN_CERT_DOMAINS_MAX 256 /* more are ignored */

struct ipn_warning {
	char *code;  /* "login-state" */
	char *title; /* "" when absent */
	char *text;  /* "" when absent */
	char *error; /* Args.error, "" when absent */
};

/* One message, valid during the callback. */
struct ipn_notify {
	enum ipn_state state;         /* `State`, IPN_STATE_UNKNOWN when absent */
	enum ipn_state backend_state; /* InitialStatus.BackendState */
	const char *error_message;    /* ErrMessage, NULL when absent */
	const char *browse_to_url;    /* NULL when absent */
	const char *auth_url;         /* InitialStatus.AuthURL, NULL when absent or empty */
	const char *session_id; /* of the subscription, in its first message; NULL when absent */
	bool is_suspended;      /* nothing more arrives until the subscription is resumed */

	bool has_initial_status;
	bool has_self_change;
	bool has_peer_changes;       /* PeersChanged, PeersRemoved or PeerChangedPatch not empty */
	const struct selfnode *self; /* newest own node in this message, NULL when none */

	bool has_cert_domains;           /* in InitialStatus (possibly none) */
	const struct strv *cert_domains; /* at most IPN_CERT_DOMAINS_MAX */

	bool has_health;
	const struct ipn_warning *warnings;
	size_t warning_count;

	bool has_prefs;
	bool want_running;
	bool logged_out;
	bool has_node_id; /* Prefs.Config.NodeID is not empty */
};

/* The state in a message: `State`, else a known BackendState. */
enum ipn_state ipn_notify_state(const struct ipn_notify *n);
/* Whether the message is relevant to the supervisor in the steady state. */
bool ipn_notify_is_relevant(const struct ipn_notify *n);
const struct ipn_warning *ipn_notify_warning(const struct ipn_notify *n, const char *code);

/* Called from the loop. They may start, stop and restart the bus, but not free it. */
struct ipnbus_events {
	void (*on_open)(void *arg); /* subscribed (again) */
	void (*on_notify)(void *arg, const struct ipn_notify *n);
	/* The bus retries by itself. Called once per outage, and again when its reason changes. */
	void (*on_lost)(void *arg, const struct err *why);
	void *arg;
};

struct ipnbus_times {
	uint32_t retry_base_ms; /* 100 */
	uint32_t retry_max_ms;  /* 5000 */
	uint32_t stall_ms;      /* 10000 */
};

/* api and peers (which may be NULL) are borrowed; times and events are copied. */
struct ipnbus *ipnbus_new(struct loop *loop, struct localapi *api, struct peers *peers,
	const struct ipnbus_times *times, const struct ipnbus_events *events);
/* Extra DNS records are stored there from the next subscription on; borrowed for the lifetime of
 * the bus. To be called before ipnbus_start; without it they are ignored. */
void ipnbus_set_records(struct ipnbus *bus, struct records *records);
/* The capability version of the daemon, if it is known before the daemon's answer to a
 * subscription has named it; effective from the next subscription on. */
void ipnbus_set_capability(struct ipnbus *bus, unsigned int version);
/* The known version, 0 for none; after on_open the one that the daemon has reported. */
unsigned int ipnbus_capability(const struct ipnbus *bus);
void ipnbus_free(struct ipnbus *bus);
void ipnbus_start(struct ipnbus *bus); /* no effect when already started */
void ipnbus_stop(struct ipnbus *bus);  /* silent; no more callbacks until the next start */
/* Subscribes anew, e.g. after peers_want or records_want; no effect while stopped. */
void ipnbus_restart(struct ipnbus *bus);
bool ipnbus_is_open(const struct ipnbus *bus);

#endif
