/*
 * The login of the node: `tailscale up` and `set`, the reasons why a login fails or was lost, the
 * next try and its time, waiting for a person, and requesting a new auth key. It reads the facts of
 * the bus and reports by events; the node's table decides what follows from an event. It neither
 * starts the daemon nor ends the process.
 *
 *	login_init(&login, &partners, &events);
 *	login_on_notify(&login, n, true);
 *	login_decide(&login);	 the node needs a login: LOGIN_EVENT_WANT_UP, or a pause
 *
 * login_forget_daemon resets everything that each daemon process must be asked for again.
 */
#ifndef BOOT_LOGIN_LOGIN_H
#define BOOT_LOGIN_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/login/credentials.h"
#include "boot/login/registration.h"
#include "boot/login/warnings.h"
#include "lib/base/backoff.h"
#include "lib/io/timer.h"
#include "lib/localapi/ipnbus.h"

struct bus;
struct command;
struct condition_set;
struct config_source;
struct kube;
struct kube_call;
struct localapi;
struct loop;
struct proc_table;
struct reissue;
struct settings;
struct statestore;
struct times;

enum login_event {
	LOGIN_EVENT_WANT_UP,
	LOGIN_EVENT_COMMAND_OK,
	LOGIN_EVENT_COMMAND_FAILED, /* login_failure gives the reason */
	LOGIN_EVENT_KEY_ADOPTED,    /* another key was found in the state Secret */
	LOGIN_EVENT_RETRY,          /* the pause after a failed try is over */
	LOGIN_EVENT_GRACE_OVER,     /* login_decide_refusal is due */
	LOGIN_EVENT_KEY_REFUSED,    /* only another key helps */
	LOGIN_EVENT_REFUSED,        /* the node nevertheless counts as Running */
	LOGIN_EVENT_LET_IN,         /* and no longer is */
	LOGIN_EVENT_WANT_RESTART,   /* a daemon of one-step mode logs in when it starts */
	LOGIN_EVENT_NO_KEY,         /* one-step mode, and no operator to request a key from */
	LOGIN_EVENT_WANT_REISSUE,
	LOGIN_EVENT_KEY_ISSUED,
	LOGIN_EVENT_KEY_FAILED,  /* login_failure gives the reason */
	LOGIN_EVENT_WANT_RELOAD, /* the daemon must load its configuration file again */
	LOGIN_EVENT_COUNT,
};

/* All borrowed. */
struct login_partners {
	struct loop *loop;
	struct proc_table *procs;
	struct localapi *api;
	struct condition_set *conditions;
	const struct bus *bus;
	struct config_source *config; /* NULL without a configuration file */
	const struct settings *settings;
	const struct times *times;
};

typedef void (*login_event_fn)(void *arg, enum login_event event);

struct login {
	struct login_partners partners;
	login_event_fn fn;
	void *arg;
	struct kube *kube_ref;        /* with the store: a new key can be requested */
	struct statestore *store_ref; /* NULL: it cannot */
	struct credentials credentials;
	struct warnings warnings;
	struct registration registration;

	struct command *command; /* tailscale up or set under way */
	bool command_is_up;
	uint64_t command_since_ms;
	struct kube_call *key_call; /* before a command: the key in the Secret */
	struct timer limit;         /* of a command */
	struct timer failed;        /* a command has failed: checks whether the daemon has ended */
	struct err command_error;
	char *command_said;
	char *failure; /* why the last command or request failed */
	struct reissue *reissue;
	bool request_stands; /* in the Secret, although the answer is not awaited */
	struct timer retry;
	struct timer let_in; /* a refusal has disappeared */
	struct timer grace;  /* of a login warning without a reason */
	struct backoff backoff;

	bool succeeded_once; /* Running was reached since the process started */
	bool waits_for_person;
	bool is_deleted; /* at the control server; until the node has another identity */
	char *deleted_id;

	/* of this daemon process */
	bool up_ran;
	bool set_ran;
	bool was_patient;           /* it had all the time for a login of its own */
	bool needed_login;          /* and has not been Running since */
	bool is_refused;            /* though Running: the node uses its saved map */
	bool has_warning;           /* the health warning login-state is raised */
	bool control_is_away;       /* and says that control was not reached */
	enum ipn_state shown_state; /* logged last */
	bool shown_approval;
};

void login_init(
	struct login *l, const struct login_partners *partners, login_event_fn fn, void *arg);
void login_fini(struct login *l); /* zeroed is accepted */
/* The state Secret, when it may be written; borrowed. */
void login_set_store(struct login *l, struct kube *kube, struct statestore *store);
/* The daemon process has ended: cancels its requests silently. */
void login_forget_daemon(struct login *l);
/* For the stop: cancels everything silently. */
void login_stop(struct login *l);

/* Reports of the bus. is_configured: this daemon process was configured, so its state is a result
 * and not a starting point. */
void login_on_notify(struct login *l, const struct ipn_notify *n, bool is_configured);
/* For a message with has_health. is_awaited: the node waits for Running, and a refusal is acted
 * upon. */
void login_on_health(struct login *l, const struct ipn_notify *n, bool is_awaited);

/* Commands. Once the node has been Running every command has a limit: one that exceeds it is ended
 * and counts as failed. */
void login_run_up(struct login *l);
void login_run_set(struct login *l);
void login_command_succeeded(struct login *l);
/* The node is Running: the command has nothing left to do, and is killed unless it ends soon. */
void login_expect_command_end(struct login *l);
/* It is not or no longer Running: the command has its full time. */
void login_await_command(struct login *l);
/* The node has left Running during `tailscale set`: it is due again. */
void login_abandon_set(struct login *l);
void login_log_failure(const struct login *l, const char *command);
const char *login_failure(const struct login *l);
/* `tailscale set` is due for this daemon process. */
bool login_wants_set(const struct login *l);
/* `tailscale up` runs at the first start in every state. */
bool login_wants_first_up(const struct login *l);

/* Decisions: an event or a timer follows, or nothing can be done. */
void login_decide(struct login *l);          /* the node needs a login */
void login_decide_refusal(struct login *l);  /* the grace is over */
void login_decide_recovery(struct login *l); /* the pause is over */
void login_decide_refused(struct login *l);  /* while the node counts as Running */
void login_request_key(struct login *l);     /* the key was refused */
/* After a failure; nothing before the first success, which the boot deadline bounds. */
void login_retry_later(struct login *l);

/* Intermediate states. */
void login_show_approval(struct login *l);
void login_show_state(struct login *l);
void login_succeeded(struct login *l);
/* The node counts as Running, but the control server refuses it. */
bool login_is_refused(const struct login *l);
/* Another party has to act. */
bool login_waits_for_person(const struct login *l);
/* The reason why the node is not logged in, "" when none is known. */
const char *login_reason(const struct login *l);

/* A new key: the request, and the three ways it ends. */
void login_start_reissue(struct login *l);
void login_key_issued(struct login *l);
void login_key_failed(struct login *l);
void login_cancel_reissue(struct login *l);

#endif
