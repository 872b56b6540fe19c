/*
 * Shared by the files of the module supervisor.
 *
 *	supervisor.c     make, run, free
 *	node_queue.c     the event queue of the node's table, its deadline, the end with its cause
 *	node_events.c    reports of the modules → events of the table
 *	node_capability.c  the capability version of the daemon, and what depends on it
 *	node_actions.c   actions of the table → calls into the modules
 *	node_stop.c      those of a stop
 *
 * A fact belongs to the module that uses it for decisions; the members here concern the table
 * itself.
 */
#ifndef BOOT_SUPERVISOR_INTERNAL_H
#define BOOT_SUPERVISOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/bus/bus.h"
#include "boot/config/config_source.h"
#include "boot/daemon/ca_bundle.h"
#include "boot/daemon/contacts.h"
#include "boot/daemon/heartbeat.h"
#include "boot/daemon/renewal.h"
#include "boot/daemon/launch.h"
#include "boot/fatal.h"
#include "boot/host/link_local.h"
#include "boot/host/sd_notify.h"
#include "boot/listeners.h"
#include "boot/login/login.h"
#include "boot/node_table.h"
#include "boot/publish/publish.h"
#include "boot/shutdown.h"
#include "boot/store/node_store.h"
#include "boot/store/store_recovery.h"
#include "boot/supervisor.h"
#include "lib/base/condition.h"
#include "lib/io/timer.h"

#define SUPERVISOR_QUEUE_MAX 16

struct confwatch_events;
struct daemon_events;
struct datapath_events;

struct supervisor {
	const struct settings *settings;
	const struct times *times;
	struct condition_set conditions;

	/* lib/io */
	struct loop *loop;
	struct signals *signals;
	struct proc_table *procs;
	struct fetcher *fetcher;
	struct resolver *resolver;

	/* modules */
	struct localapi *api;
	struct bus bus;
	struct node_store store;
	struct store_recovery recovery;    /* of a daemon without its state */
	struct capability_ask *capability; /* under way */
	int capver;                        /* of the daemon, as far as known */
	int asked_capver;            /* from `tailscale version`; 0: not asked, or no answer */
	bool is_capver_old;          /* the daemon was started again since then */
	struct config_source config; /* zeroed without a configuration directory */
	struct ca_bundle ca;
	struct launch launch;
	struct link_local link_local; /* of the device that the daemon makes */
	struct daemon *daemon;        /* NULL before its first start */
	struct heartbeat heartbeat;
	struct contacts contacts;
	struct renewal renewal;
	struct login login;
	struct confwatch *confwatch; /* from the first steady state on, in one-step mode */
	struct publish publish;
	struct datapath *datapath; /* NULL when the settings need none */
	struct drain *drain;       /* of egress services; NULL without a directory of them */
	struct health *health;
	struct listeners listeners;
	struct sd_notify sd_notify;
	struct shutdown shutdown;
	struct localapi_call *gro_call;

	/* the node's table */
	enum node_state state;
	enum node_event queue[SUPERVISOR_QUEUE_MAX];
	size_t queue_len;
	bool is_dispatching;
	struct timer boot_deadline;
	struct timer withheld; /* lines about conditions that change too often */
	bool is_configured;    /* the step Configure was begun for this daemon process */
	bool startup_complete;
	bool drops_neighbours; /* AddressInTailnetRange, and tailscaled's rules are in force */

	/* the end */
	bool is_ending;
	enum fatal_cause end_cause;
	char *end_sentence; /* NULL for a requested stop */
};

/* node_queue.c */
/* Queues an event; it is carried out before the outermost call returns. */
void node_post(struct supervisor *s, enum node_event event);
/* Posts the event of the newest known state of the daemon. */
void node_post_ipn_state(struct supervisor *s);
/* Ends the process in order, for this cause; the first cause counts. fmt NULL for a requested
 * stop. A cause that may not end it after the start-up is logged instead. */
void node_end(struct supervisor *s, enum fatal_cause cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* True until the first "Startup complete": failures of steps end the process. */
bool node_is_booting(const struct supervisor *s);
void node_on_boot_deadline(void *supervisor);
/* Updates the line of the service manager when it has changed. */
void node_show_status(void *supervisor);

/* supervisor.c: names an address that tailscaled treats as one of the tailnet before the daemon is
 * started, since failures that it causes have misleading texts; anew for another configuration
 * file. */
void node_look_at_addresses(struct supervisor *s);

/* node_capability.c */
/* Begins to ask; to be called once, after the first event. */
void node_capability_ask(struct supervisor *s);
/* The daemon has ended: its successor, and the command, may be those of another release. */
void node_capability_forget(struct supervisor *s);
/* The daemon itself has answered. */
void node_capability_compare(struct supervisor *s);

/* node_actions.c */
void node_action_run(struct supervisor *s, enum node_action action);

/* node_stop.c: actions of a stop. */
void node_stop_begin(struct supervisor *s);
void node_stop_await_state(struct supervisor *s);
void node_stop_end_daemon(struct supervisor *s);
void node_stop_remove_rules(struct supervisor *s);
void node_stop_finish(struct supervisor *s);

/* node_events.c: callbacks of the modules. */
struct bus_events node_events_bus(struct supervisor *s);
void node_events_newer_ca(void *supervisor);
struct confwatch_events node_events_config(struct supervisor *s);
struct daemon_events node_events_daemon(struct supervisor *s);
void node_events_peer_lost(void *supervisor, const struct ipaddr *peer);
struct heartbeat_events node_events_heartbeat(struct supervisor *s);
struct datapath_events node_events_datapath(struct supervisor *s);
struct node_store_events node_events_store(struct supervisor *s);
struct publish_events node_events_publish(struct supervisor *s);
struct shutdown_events node_events_shutdown(struct supervisor *s);
/* A daemon that could not read its state at its start does not try again: waits for the place of
 * the state, and starts it again then. */
void node_watch_daemon_store(struct supervisor *s);
/* The place of the daemon's state answers again. */
void node_events_store_back(void *supervisor);
void node_events_login(void *supervisor, enum login_event event);

#endif
