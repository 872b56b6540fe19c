/*
 * The daemon's notification stream (GET /localapi/v0/watch-ipn-bus): one subscription for the life
 * of a daemon, always drained, scanned as it comes and never collected, whatever the size of a
 * message. When the stream is lost, falls behind or stalls in the middle of a message, it
 * subscribes again with back-off until it is stopped. A daemon that can suspend a slow reader
 * (1.104) is asked to, and resumed instead: the stream then begins anew without another connection.
 *
 * The subscription asks for initial state, preferences, health and status, peer changes without
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
	IPN_STATE_UNKNOWN = -1, /* not told, or a word we do not know */
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
#define IPN_CERT_DOMAINS_MAX 256 /* more are passed over */

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
	bool is_suspended;      /* nothing more comes until the subscription is resumed */

	bool has_initial_status;
	bool has_self_change;
	bool has_peer_changes;       /* PeersChanged, PeersRemoved or PeerChangedPatch not empty */
	const struct selfnode *self; /* newest own node told by this message, NULL when none */

	bool has_cert_domains;           /* InitialStatus told them (none is an answer too) */
	const struct strv *cert_domains; /* at most IPN_CERT_DOMAINS_MAX */

	bool has_health;
	const struct ipn_warning *warnings;
	size_t warning_count;

	bool has_prefs;
	bool want_running;
	bool logged_out;
	bool has_node_id; /* Prefs.Config.NodeID is not empty */
};

/* The state a message tells: `State`, else a known BackendState. */
enum ipn_state ipn_notify_state(const struct ipn_notify *n);
/* Whether the message can change what the supervisor does in the steady state. */
bool ipn_notify_is_relevant(const struct ipn_notify *n);
const struct ipn_warning *ipn_notify_warning(const struct ipn_notify *n, const char *code);

/* Called from the loop. They may start, stop and restart the bus, but not free it. */
struct ipnbus_events {
	void (*on_open)(void *arg); /* subscribed (again) */
	void (*on_notify)(void *arg, const struct ipn_notify *n);
	/* Will try again by itself. Told once for each outage, and again when its reason changes.
	 */
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
/* Extra DNS records go there from the next subscription on; borrowed for the life of the bus. To be
 * called before ipnbus_start; without it nobody gets them. */
void ipnbus_set_records(struct ipnbus *bus, struct records *records);
/* The capability version of the daemon, if it is known before the daemon itself has named it with
 * its answer to a subscription; counts from the next subscription on. */
void ipnbus_set_capability(struct ipnbus *bus, unsigned int version);
/* What is known of it, 0 for nothing; from on_open on what the daemon itself has reported. */
unsigned int ipnbus_capability(const struct ipnbus *bus);
void ipnbus_free(struct ipnbus *bus);
void ipnbus_start(struct ipnbus *bus); /* fine when started already */
void ipnbus_stop(struct ipnbus *bus);  /* silent; no more callbacks until the next start */
/* One new subscription, e.g. after peers_want or records_want; nothing while stopped. */
void ipnbus_restart(struct ipnbus *bus);
bool ipnbus_is_open(const struct ipnbus *bus);

#endif
