/*
 * Actions of the node's table: the way of a start, and of a restart of the daemon.
 */
#include "boot/supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/boot_conditions.h"
#include "boot/boot_events.h"
#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_events.h"
#include "boot/datapath/datapath_events.h"
#include "boot/settings/args.h"
#include "boot/login/command.h"
#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_port.h"
#include "boot/datapath/datapath.h"
#include "boot/node_login.h"
#include "boot/login/reissue.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "health/health.h"
#include "ingress/serve.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/loop.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"
#include "statestore/store_kube.h"

/* Where tools look for the daemon's socket when they are not told. */
#define DEFAULT_SOCKET_DIR "/var/run/tailscale"
#define DEFAULT_SOCKET DEFAULT_SOCKET_DIR "/tailscaled.sock"

void node_on_daemon_ready(void *supervisor)
{
	supervisor_post(supervisor, NODE_EVENT_DAEMON_READY);
}

void node_on_daemon_down(void *supervisor, const char *status)
{
	(void)status;
	supervisor_post(supervisor, NODE_EVENT_DAEMON_DOWN);
}

void node_on_daemon_stopped(void *supervisor)
{
	supervisor_post(supervisor, NODE_EVENT_DAEMON_STOPPED);
}

void node_on_daemon_failed(void *supervisor, bool never_ran, const char *status)
{
	struct supervisor *s = supervisor;
	if (s->is_ending) {
		/* The steps of the stop that need it are over. */
		supervisor_post(s, NODE_EVENT_DAEMON_DOWN);
		return;
	}
	if (never_ran) {
		supervisor_end(s, FATAL_DAEMON_NEVER_RAN,
			"failed to bring up tailscale: tailscaled ended before it was ready: %s",
			status);
		return;
	}
	condition_raise(&s->conditions, CONDITION_DAEMON_CRASH_LOOP, "%s", status);
	supervisor_end(s, FATAL_CRASH_BUDGET,
		"tailscaled crashed more than %u times within %llu s, last: %s; see its output "
		"above",
		s->settings->restart_limit,
		(unsigned long long)(s->settings->restart_window_ms / 1000), status);
}

/* The environment of the daemon; NULL when it is ours as it is. */
static char *const *daemon_environment(struct supervisor *s)
{
	extern char **environ;
	AUTO(strv_wipe) struct strv with_port = {0};
	bool has_port = daemon_port_env(daemon_port_pick(), environ, &with_port);
	char *const *env = has_port ? with_port.items : environ;
	if (args_tailscaled_env(s->settings, env, &s->daemon_env))
		return s->daemon_env.items;
	if (has_port)
		strv_copy(&s->daemon_env, &with_port);
	return s->daemon_env.items;
}

static void start_daemon(struct supervisor *s)
{
	struct err e;
	AUTO(strv_fini) struct strv args = {0};
	args_tailscaled(s->settings, &args);
	struct daemon_options options = {
		.socket = s->settings->socket,
		.args = &args,
		.envp = daemon_environment(s),
		.restart_limit = s->settings->restart_limit,
		.restart_window_ms = s->settings->restart_window_ms,
		.backoff_base_ms = s->times->daemon_backoff_base_ms,
		.backoff_max_ms = s->times->daemon_backoff_max_ms,
	};
	struct daemon_events events = {node_on_daemon_ready, node_on_daemon_down,
		node_on_daemon_failed, node_on_daemon_stopped, s};
	s->daemon = daemon_new(s->loop, s->procs, &s->conditions, &options, &events);
	if (daemon_start(s->daemon, &e) < 0)
		supervisor_end(s, FATAL_BOOT_STEP, "failed to bring up tailscale: %s", e.msg);
}

static void link_socket(struct supervisor *s)
{
	const char *socket_path = s->settings->socket;
	struct err e;
	char target[4096];
	if (strcmp(s->settings->test_root, "/") != 0 || strcmp(socket_path, DEFAULT_SOCKET) == 0)
		return;
	if (atomicfile_make_dirs(DEFAULT_SOCKET_DIR, 0700, &e) < 0) {
		log_event(EV_NODE_SYMLINK_FAILED, e.msg);
		return;
	}
	/* Left by an earlier run in the same file system. */
	ssize_t len = readlink(DEFAULT_SOCKET, target, sizeof(target) - 1);
	if (len > 0 && (size_t)len == strlen(socket_path) &&
		memcmp(target, socket_path, (size_t)len) == 0)
		return;
	if (symlink(socket_path, DEFAULT_SOCKET) < 0)
		log_event(EV_NODE_SYMLINK_FAILED, strerror(errno));
}

static void on_gro(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct supervisor *s = arg;
	(void)reply;
	s->gro_call = NULL;
	if (err != NULL)
		log_event(EV_NODE_GRO_FAILED, err->msg);
}

static void subscribe(struct supervisor *s)
{
	struct err e;
	if (!s->listening && listeners_open(s, &e) < 0) {
		supervisor_end(s, FATAL_BOOT_STEP, "%s", e.msg);
		return;
	}
	if (!s->listening)
		link_socket(s);
	s->listening = true;
	if (s->settings->forwarding_optimizations && s->gro_call == NULL)
		s->gro_call = localapi_udp_gro(s->api, on_gro, s);
	ipnbus_start(s->bus);
}

static void subscribed(struct supervisor *s)
{
	/* The reference logs in at every start of the container, whatever the state; a daemon
	 * restarted in place keeps its login unless its state was lost, which its state then
	 * tells. */
	bool always = !settings_is_one_step(s->settings) && !s->settings->auth_once;
	if (always && !s->logged_in_once && !s->up_ran)
		supervisor_post(s, NODE_EVENT_WANT_LOGIN);
}

static void lost_daemon(struct supervisor *s)
{
	ipnbus_stop(s->bus);
	command_cancel(s->command);
	s->command = NULL;
	localapi_cancel(s->configure_call);
	s->configure_call = NULL;
	localapi_cancel(s->gro_call);
	s->gro_call = NULL;
	timer_stop(&s->retry);
	timer_stop(&s->refusal);
	s->ipn_state = IPN_STATE_UNKNOWN;
	s->shown_state = IPN_STATE_UNKNOWN;
	s->shown_approval = false;
	s->is_waiting_for_human = false;
	s->login_warning = false;
	s->control_is_away = false;
	s->up_ran = false;
	s->set_ran = false;
	s->configured = false;
	steady_leave(s);
}

static void on_serve_reset(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct supervisor *s = arg;
	(void)reply;
	s->configure_call = NULL;
	if (err != NULL) {
		supervisor_end(s, FATAL_BOOT_STEP, "failed to unset serve config: %s", err->msg);
		/* After the start-up a failure here only leaves what the daemon had. */
		if (!s->is_ending)
			supervisor_post(s, NODE_EVENT_STEP_OK);
		return;
	}
	s->serve_was_reset = true;
	supervisor_post(s, NODE_EVENT_STEP_OK);
}

static void configure(struct supervisor *s)
{
	s->configured = true;
	if (settings_is_two_step_once(s->settings) && s->has_kube_store && s->authkey_in_secret) {
		log_event(EV_NODE_KEY_DELETING);
		statestore_set(s->store, STORE_KEY_AUTHKEY, NULL);
		s->authkey_in_secret = false;
	}
	if (s->settings->serve_config[0] != '\0' && !s->serve_was_reset) {
		log_event(EV_NODE_SERVE_RESET);
		s->configure_call = localapi_serve_set(s->api, "{}", on_serve_reset, s);
		return;
	}
	supervisor_post(s, NODE_EVENT_STEP_OK);
}

static void left_running(struct supervisor *s)
{
	log_event(EV_NODE_LEFT_RUNNING, ipn_state_name(s->ipn_state));
	condition_raise(&s->conditions, CONDITION_NOT_RUNNING, "tailscaled is in state %s",
		ipn_state_name(s->ipn_state));
	health_set_running(s->health, false);
	/* A node that is not running has no peers, which is no news of theirs. */
	if (s->datapath != NULL)
		datapath_forget_netmap(s->datapath);
	node_post_ipn_state(s);
}

static void authenticated(struct supervisor *s)
{
	if (condition_is_raised(&s->conditions, CONDITION_NOT_RUNNING))
		log_event(EV_NODE_RUNNING_AGAIN);
	condition_clear(&s->conditions, CONDITION_NOT_RUNNING);
	s->logged_in_once = true;
	s->is_waiting_for_human = false;
	timer_stop(&s->retry);
	timer_stop(&s->refusal);
	backoff_reset(&s->login_backoff);
	if (s->configured)
		supervisor_post(s, NODE_EVENT_STEP_OK);
	else if (settings_is_two_step_once(s->settings) && !s->set_ran)
		supervisor_post(s, NODE_EVENT_WANT_SET);
	else
		configure(s);
}

static void finish(struct supervisor *s)
{
	timer_stop(&s->boot_deadline);
	timer_stop(&s->stop_budget);
	store_kube_setup_cancel(s->kube_setup);
	s->kube_setup = NULL;
	if (s->store != NULL)
		statestore_cancel_waits(s->store);
	if (s->daemon != NULL && daemon_has_process(s->daemon))
		log_event(EV_DAEMON_SIGNAL_FAILED, "it has not ended after SIGKILL");
	if (s->datapath != NULL && datapath_is_removing(s->datapath))
		log_event(EV_DATAPATH_REMOVE_FAILED, "there is no time left");
	loop_stop(s->loop);
}

typedef void (*action_fn)(struct supervisor *s);

static void set_failed(struct supervisor *s)
{
	node_set_failed(s);
	if (!s->is_ending)
		configure(s);
}

static const action_fn actions[NODE_ACTION_COUNT] = {
	[NODE_ACTION_KUBE_SETUP] = node_kube_setup,
	[NODE_ACTION_START_DAEMON] = start_daemon,
	[NODE_ACTION_SUBSCRIBE] = subscribe,
	[NODE_ACTION_SUBSCRIBED] = subscribed,
	[NODE_ACTION_LOST_DAEMON] = lost_daemon,
	[NODE_ACTION_JUDGE_LOGIN] = node_judge_login,
	[NODE_ACTION_JUDGE_REFUSAL] = node_judge_refusal,
	[NODE_ACTION_JUDGE_RECOVERY] = node_judge_recovery,
	[NODE_ACTION_SHOW_APPROVAL] = node_show_approval,
	[NODE_ACTION_SHOW_STATE] = node_show_state,
	[NODE_ACTION_RUN_UP] = node_run_up,
	[NODE_ACTION_UP_DONE] = node_up_done,
	[NODE_ACTION_UP_FAILED] = node_up_failed,
	[NODE_ACTION_REISSUE] = node_start_reissue,
	[NODE_ACTION_KEY_ISSUED] = node_key_issued,
	[NODE_ACTION_KEY_FAILED] = node_key_failed,
	[NODE_ACTION_CANCEL_REISSUE] = node_cancel_reissue,
	[NODE_ACTION_AUTHENTICATED] = authenticated,
	[NODE_ACTION_RUN_SET] = node_run_set,
	[NODE_ACTION_CONFIGURE] = configure,
	[NODE_ACTION_SET_FAILED] = set_failed,
	[NODE_ACTION_ENTER_STEADY] = steady_enter,
	[NODE_ACTION_LEFT_RUNNING] = left_running,
	[NODE_ACTION_STOP_BEGIN] = shutdown_begin,
	[NODE_ACTION_STOP_AWAIT_STATE] = shutdown_await_state,
	[NODE_ACTION_STOP_DAEMON] = shutdown_stop_daemon,
	[NODE_ACTION_REMOVE_RULES] = shutdown_remove_rules,
	[NODE_ACTION_FINISH] = finish,
};

void node_action_run(struct supervisor *s, enum node_action action)
{
	if (action != NODE_ACTION_NONE)
		actions[action](s);
}
