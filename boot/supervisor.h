/*
 * The supervisor: what is running, what it waits for, and the event queue of the node's table.
 * Shared by the files of boot/ that carry out its actions; nobody else includes this.
 *
 *	supervisor.c    make, run, free; the queue; the end with its cause
 *	node_actions.c  actions of a start and of a restart of the daemon
 *	node_kube.c     which store there is, what the Secret tells
 *	node_login.c    actions of a login
 *	node_bus.c      what the bus tells: conditions, state events
 *	steady.c        publishing, health, certificate domain, completion of the start-up
 *	shutdown.c      actions of the stop, one budget
 *	listeners.c     HTTP
 *	datapath.c      the firewall and the features that use it; a module of its own
 */
#ifndef BOOT_SUPERVISOR_H
#define BOOT_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/fatal.h"
#include "boot/login/mask.h"
#include "boot/node_table.h"
#include "boot/host/sd_notify.h"
#include "lib/base/backoff.h"
#include "lib/base/condition.h"
#include "lib/base/err.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"
#include "lib/io/timer.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/selfnode.h"

#define SUPERVISOR_QUEUE_MAX 16
#define SUPERVISOR_LISTENERS_MAX 2

struct settings;
struct times;

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
	struct httpd *httpd;
	struct httpd_listener *listeners[SUPERVISOR_LISTENERS_MAX];

	/* partners */
	struct localapi *api;
	struct peers *peers;
	struct records *records;
	struct ipnbus *bus;
	struct kube *kube; /* NULL without a Secret name */
	struct store_kube_setup *kube_setup;
	struct statestore *store;
	struct strv daemon_env;
	struct daemon *daemon;
	struct command *command; /* tailscale up or set under way */
	struct reissue *reissue;
	struct confwatch *confwatch;

	/* features */
	struct serve *serve;
	struct advertise *advertise;
	struct certs *certs;
	struct health *health;
	struct sd_notify sd_notify;
	struct datapath *datapath; /* NULL when the settings ask for none */
	struct drain *drain;       /* of egress services; NULL without a directory of them */

	/* the node's table */
	enum node_state state;
	enum node_event queue[SUPERVISOR_QUEUE_MAX];
	size_t queue_len;
	bool is_dispatching;
	struct timer boot_deadline;
	struct timer retry;   /* of a login */
	struct timer refusal; /* grace of a login warning without a reason */
	struct timer stop_budget;
	uint64_t stop_deadline_ms;
	unsigned stop_waits; /* of the state step: flush, consistency */
	struct backoff login_backoff;

	/* credentials */
	struct secret stored_authkey; /* found in the Secret */
	struct secret config_authkey; /* of the configuration file as read at boot */
	bool has_extra_credentials;   /* among the extra arguments of `tailscale up` */
	struct mask mask;             /* of all of them, for whatever is shown */
	bool has_kube_store;          /* the Secret may be written */
	bool authkey_in_secret;
	bool secret_is_new; /* not there at boot: the daemon makes it */

	/* what is known of the node */
	enum ipn_state ipn_state;
	struct selfnode self;
	struct strv cert_domains;
	bool netmap_seen;
	struct localapi_call *dns_config;
	bool dns_config_is_old; /* a change came while it was under way */
	struct localapi_call *configure_call;
	struct localapi_call *gro_call;

	/* progress */
	bool listening;
	bool logged_in_once;  /* Running was reached since the process started */
	bool up_ran;          /* `tailscale up` was run for this daemon process */
	bool set_ran;         /* `tailscale set` was run for this daemon process */
	bool configured;      /* serve config reset or applied again for this daemon process */
	bool serve_was_reset; /* the previous serve config was unset, once per process */
	bool is_waiting_for_human;
	bool login_warning;         /* the health warning login-state stands */
	bool control_is_away;       /* and says that control was not reached */
	unsigned health_codes;      /* conditions that stand by a health warning, by bit */
	enum ipn_state shown_state; /* logged last */
	bool shown_approval;
	bool startup_complete;

	/* the end */
	bool is_ending;
	enum fatal_cause end_cause;
	char *end_sentence;  /* NULL for a requested stop */
	char *login_failure; /* why the last command failed; for its action */
};

/* supervisor.c */
int supervisor_init(
	struct supervisor *s, const struct settings *settings, struct err *e) MUST_CHECK;
/* Runs to the end; the exit code. */
int supervisor_run(struct supervisor *s);
void supervisor_fini(struct supervisor *s);

/* Queues an event of the node's table; it is carried out before the outermost call returns. */
void supervisor_post(struct supervisor *s, enum node_event event);
/* Ends the process in order, for this cause; the first cause counts. sentence NULL for a
 * requested stop. A cause that may not end it after the start-up is logged instead. */
void supervisor_end(struct supervisor *s, enum fatal_cause cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* True until the first "Startup complete": failures of steps end the process. */
bool supervisor_is_booting(const struct supervisor *s);

/* node_actions.c */
void node_action_run(struct supervisor *s, enum node_action action);
void node_retry_login(void *supervisor);
void node_refusal_due(void *supervisor);
void node_on_daemon_ready(void *supervisor);
void node_on_daemon_down(void *supervisor, const char *status);
void node_on_daemon_failed(void *supervisor, bool never_ran, const char *status);
void node_on_daemon_stopped(void *supervisor);

/* node_kube.c */
void node_kube_setup(struct supervisor *s);
/* Marks a Secret that did not exist at boot as ours. */
void node_kube_mark_secret(struct supervisor *s);
/* What is wanted is in the Secret; or it was tried, where the store is a folder: the node runs
 * without what is published there. */
bool node_kube_is_published(const struct supervisor *s);

/* node_bus.c */
void node_bus_opened(void *supervisor);
void node_bus_notify(void *supervisor, const struct ipn_notify *n);
void node_bus_lost(void *supervisor, const struct err *why);
/* Posts the event of the newest known state of the daemon. */
void node_post_ipn_state(struct supervisor *s);
/* Raises the reason of a try to log in, in place of the one before; secrets in the text are
 * masked. */
void node_raise_login_reason(
	struct supervisor *s, const struct condition_kind *code, const char *text);

/* steady.c */
void steady_enter(struct supervisor *s);
void steady_update(struct supervisor *s, const struct ipn_notify *n);
void steady_leave(struct supervisor *s);
/* Callbacks of the data path. */
void steady_datapath_ready(void *supervisor);
void steady_datapath_impossible(void *supervisor, const struct err *why);
void steady_check_complete(void *supervisor);

/* shutdown.c */
void shutdown_begin(struct supervisor *s);
void shutdown_await_state(struct supervisor *s);
void shutdown_stop_daemon(struct supervisor *s);
void shutdown_remove_rules(struct supervisor *s);
void shutdown_budget_spent(void *supervisor);

/* listeners.c */
int listeners_open(struct supervisor *s, struct err *e) MUST_CHECK;
void listeners_close(struct supervisor *s);

#endif
