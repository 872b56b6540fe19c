#include "boot/supervisor_internal.h"

#include "boot/boot_events.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_events.h"
#include "boot/datapath/datapath.h"
#include "boot/host/start_memory.h"
#include "boot/login/login_conditions.h"
#include "boot/node_status.h"
#include "boot/settings/settings.h"
#include "health/health.h"
#include "lib/base/clock.h"

/* bus */

/* The daemon reads its certificates once. As long as it does not miss the new ones, it stays. */
static void use_newer_ca(struct supervisor *s)
{
	if (s->is_ending || !s->ca.is_newer || s->daemon == NULL || !daemon_is_up(s->daemon) ||
		!condition_is_raised(&s->conditions, CONDITION_CONTROL_TLS_UNTRUSTED))
		return;
	log_event(EV_DAEMON_CA_RESTART);
	daemon_restart(s->daemon);
}

void node_events_newer_ca(void *supervisor)
{
	use_newer_ca(supervisor);
}

/* A daemon that does not answer, or sends no notifications, is useless. */
static void update_reachable(void *arg)
{
	struct supervisor *s = arg;
	health_set_reachable(
		s->health, bus_is_heard(&s->bus) && heartbeat_is_answered(&s->heartbeat));
}

static void on_bus_open(void *arg)
{
	struct supervisor *s = arg;
	update_reachable(s);
	node_capability_compare(s);
	node_post(s, NODE_EVENT_BUS_OPEN);
}

void node_watch_daemon_store(struct supervisor *s)
{
	if (!condition_is_raised(&s->conditions, CONDITION_STATE_STORE_FAILED))
		store_recovery_end(&s->recovery);
	else if (!s->is_ending)
		store_recovery_begin(&s->recovery);
}

static void on_bus_notify(void *arg, const struct ipn_notify *n)
{
	struct supervisor *s = arg;
	heartbeat_heard(&s->heartbeat);
	update_reachable(s);
	publish_learn(&s->publish, n);
	/* Not switched off by a person. */
	if (!s->renewal.is_off)
		login_on_notify(&s->login, n, s->is_configured);
	if (ipn_notify_state(n) != IPN_STATE_UNKNOWN)
		node_post_ipn_state(s);
	if (n->has_self_change) {
		contacts_watch(&s->contacts);
		if (s->datapath != NULL)
			datapath_watch_targets(s->datapath);
	}
	if (n->has_health) {
		login_on_health(&s->login, n, s->state == NODE_STATE_AUTH);
		node_watch_daemon_store(s);
		use_newer_ca(s);
	}
	publish_set_refused(&s->publish, login_is_refused(&s->login));
	publish_update(&s->publish, n);
}

struct bus_events node_events_bus(struct supervisor *s)
{
	return (struct bus_events){on_bus_open, update_reachable, on_bus_notify, s};
}

/* heartbeat */

static void on_daemon_mute(void *arg)
{
	struct supervisor *s = arg;
	daemon_restart(s->daemon);
}

struct heartbeat_events node_events_heartbeat(struct supervisor *s)
{
	return (struct heartbeat_events){update_reachable, on_daemon_mute, s};
}

/* configuration file */

static void on_config_restart(void *arg)
{
	struct supervisor *s = arg;
	daemon_restart(s->daemon);
}

static void on_config_loaded(void *arg)
{
	node_look_at_addresses(arg);
}

/* A re-issue looks for the new key itself. */
static bool needs_login(void *arg)
{
	const struct supervisor *s = arg;
	return s->state == NODE_STATE_AUTH &&
	       (s->bus.facts.ipn_state == IPN_STATE_NEEDS_LOGIN || s->login.has_warning);
}

struct confwatch_events node_events_config(struct supervisor *s)
{
	return (struct confwatch_events){on_config_restart, on_config_loaded, needs_login, s};
}

/* daemon */

static void on_daemon_ready(void *arg)
{
	/* It may have been started with another configuration. */
	node_look_at_addresses(arg);
	node_post(arg, NODE_EVENT_DAEMON_READY);
}

static void on_daemon_down(void *arg, const char *status)
{
	(void)status;
	node_post(arg, NODE_EVENT_DAEMON_DOWN);
}

static void on_daemon_stopped(void *arg)
{
	node_post(arg, NODE_EVENT_DAEMON_STOPPED);
}

static void on_daemon_failed(void *arg, const struct daemon_failure *failure)
{
	struct supervisor *s = arg;
	const char *colon = failure->last_line[0] != '\0' ? ": " : "";
	if (s->is_ending) {
		/* The steps of the stop that need it are done. */
		node_post(s, NODE_EVENT_DAEMON_DOWN);
		return;
	}
	if (failure->never_ran) {
		node_end(s, FATAL_DAEMON_NEVER_RAN,
			"failed to bring up tailscale: tailscaled ended before it was ready: "
			"%s%s%s",
			failure->status, colon, failure->last_line);
		return;
	}
	condition_raise(&s->conditions, CONDITION_DAEMON_CRASH_LOOP, "%s", failure->status);
	node_end(s, FATAL_CRASH_BUDGET,
		"tailscaled ended %zu times within %llu s, the last time: %s%s%s", failure->crashes,
		(unsigned long long)(s->settings->restart_window_ms / CLOCK_MS_PER_S),
		failure->status, colon, failure->last_line);
}

struct daemon_events node_events_daemon(struct supervisor *s)
{
	return (struct daemon_events){
		on_daemon_ready, on_daemon_down, on_daemon_failed, on_daemon_stopped, s};
}

/* store */

void node_events_store_back(void *supervisor)
{
	struct supervisor *s = supervisor;
	daemon_restart(s->daemon);
}

static void on_store_ready(void *arg)
{
	node_post(arg, NODE_EVENT_KUBE_READY);
}

static void on_store_failed(void *arg, const char *sentence)
{
	node_end(arg, FATAL_BOOT_STEP, "%s", sentence);
}

static void on_authkey(void *arg, const char *value, size_t len)
{
	struct supervisor *s = arg;
	credentials_set_stored(&s->login.credentials, value, len);
}

/* publishing */

static void check_complete(void *arg)
{
	struct supervisor *s = arg;
	if (s->startup_complete || s->is_ending || !publish_is_complete(&s->publish))
		return;
	s->startup_complete = true;
	timer_stop(&s->boot_deadline);
	node_store_start_complete(&s->store);
	log_event(EV_STARTUP_COMPLETE);
	char status[NODE_STATUS_MAX];
	node_status_format(s->state, true, &s->conditions, status);
	sd_notify_ready(&s->sd_notify, status);
	start_memory_return();
}

static void on_serve_reset(void *arg, const struct err *err)
{
	struct supervisor *s = arg;
	if (err != NULL)
		node_end(s, FATAL_BOOT_STEP, "failed to unset serve config: %s", err->msg);
	/* After the start-up a failure here only leaves the daemon's previous configuration. */
	if (!s->is_ending)
		node_post(s, NODE_EVENT_STEP_OK);
}

struct node_store_events node_events_store(struct supervisor *s)
{
	return (struct node_store_events){
		on_store_ready, on_store_failed, on_authkey, check_complete, s};
}

struct publish_events node_events_publish(struct supervisor *s)
{
	return (struct publish_events){check_complete, on_serve_reset, s};
}

/* data path */

static void on_datapath_ready(void *arg)
{
	struct supervisor *s = arg;
	publish_on_datapath_ready(&s->publish);
}

static void on_datapath_answered(void *arg)
{
	struct supervisor *s = arg;
	publish_on_targets_answered(&s->publish);
}

static void on_datapath_impossible(void *arg, const struct err *why)
{
	struct supervisor *s = arg;
	/* Later it is a condition, which was raised already. */
	if (node_is_booting(s))
		node_end(s, FATAL_BOOT_STEP, "%s", why->msg);
}

void node_events_peer_lost(void *supervisor, const struct ipaddr *peer)
{
	struct supervisor *s = supervisor;
	if (s->state == NODE_STATE_STEADY && !s->is_ending)
		renewal_begin(&s->renewal, peer);
}

struct datapath_events node_events_datapath(struct supervisor *s)
{
	return (struct datapath_events){on_datapath_ready, on_datapath_impossible,
		on_datapath_answered, node_events_peer_lost, s};
}

/* login */

void node_events_login(void *supervisor, enum login_event event)
{
	static const enum node_event events[LOGIN_EVENT_COUNT] = {
		[LOGIN_EVENT_WANT_UP] = NODE_EVENT_WANT_LOGIN,
		[LOGIN_EVENT_COMMAND_OK] = NODE_EVENT_COMMAND_OK,
		[LOGIN_EVENT_COMMAND_FAILED] = NODE_EVENT_COMMAND_FAILED,
		[LOGIN_EVENT_RETRY] = NODE_EVENT_RETRY,
		[LOGIN_EVENT_GRACE_OVER] = NODE_EVENT_GRACE_OVER,
		[LOGIN_EVENT_KEY_REFUSED] = NODE_EVENT_KEY_REFUSED,
		[LOGIN_EVENT_REFUSED] = NODE_EVENT_LOGIN_REFUSED,
		[LOGIN_EVENT_WANT_REISSUE] = NODE_EVENT_WANT_REISSUE,
		[LOGIN_EVENT_KEY_ISSUED] = NODE_EVENT_KEY_ISSUED,
		[LOGIN_EVENT_KEY_FAILED] = NODE_EVENT_KEY_FAILED,
	};
	struct supervisor *s = supervisor;
	publish_set_refused(&s->publish, login_is_refused(&s->login));
	if (event == LOGIN_EVENT_LET_IN)
		return;
	if (event == LOGIN_EVENT_WANT_RELOAD) {
		if (s->confwatch != NULL)
			confwatch_reload(s->confwatch);
		return;
	}
	if (event == LOGIN_EVENT_WANT_RESTART) {
		daemon_restart(s->daemon);
		return;
	}
	if (event == LOGIN_EVENT_KEY_ADOPTED) {
		node_store_found_authkey(&s->store);
		return;
	}
	if (event == LOGIN_EVENT_NO_KEY) {
		if (node_is_booting(s))
			node_end(s, FATAL_BOOT_STEP,
				"invalid state: tailscaled daemon started with a config file, but "
				"tailscale is not logged in: "
				"ensure you pass a valid auth key in the config file");
		return;
	}
	node_post(s, events[event]);
}

/* stop */

static void on_stop_step(void *arg)
{
	node_post(arg, NODE_EVENT_STOP_STEP);
}

static void on_stop_budget_spent(void *arg)
{
	node_post(arg, NODE_EVENT_STOP_BUDGET);
}

struct shutdown_events node_events_shutdown(struct supervisor *s)
{
	return (struct shutdown_events){on_stop_step, on_stop_budget_spent, s};
}
