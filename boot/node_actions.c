#include "boot/supervisor_internal.h"

#include "boot/boot_conditions.h"
#include "boot/boot_events.h"
#include "boot/config/config_events.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/datapath/datapath.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/localapi/localapi.h"

typedef void (*action_fn)(struct supervisor *s);

/* Start and restart of the daemon. */

/* The first connection of the store, and the daemon, follow in later turns. */
static void set_up_store(struct supervisor *s)
{
	node_store_set_up(&s->store, config_source_authkey(&s->config));
	if (s->datapath != NULL && !s->is_ending)
		datapath_claim(s->datapath);
}

static void start_daemon(struct supervisor *s)
{
	struct err e;
	struct launch_partners partners = {
		.loop = s->loop,
		.procs = s->procs,
		.conditions = &s->conditions,
		.mask = &s->login.credentials.mask,
		.settings = s->settings,
		.times = s->times,
		.config = settings_is_one_step(s->settings) ? &s->config : NULL,
		.ca = &s->ca,
	};
	struct daemon_events events = node_events_daemon(s);
	if (s->store.is_secret)
		login_set_store(&s->login, s->store.kube, s->store.store);
	s->daemon = launch_daemon(&s->launch, &partners, &events);
	if (daemon_start(s->daemon, &e) < 0)
		node_end(s, FATAL_BOOT_STEP, "failed to bring up tailscale: %s", e.msg);
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
	struct listeners_routes routes = {.health = s->health, .drain = s->drain};
	bool is_first = !s->listeners.were_opened;
	if (listeners_open(&s->listeners, s->settings, &routes, &e) < 0) {
		node_end(s, FATAL_BOOT_STEP, "%s", e.msg);
		return;
	}
	if (is_first)
		launch_link_socket(s->settings);
	if (s->settings->forwarding_optimizations && s->gro_call == NULL)
		s->gro_call = localapi_udp_gro(s->api, on_gro, s);
	bus_start(&s->bus);
	heartbeat_start(&s->heartbeat);
	renewal_resume(&s->renewal);
}

static void subscribed(struct supervisor *s)
{
	if (login_wants_first_up(&s->login))
		node_post(s, NODE_EVENT_WANT_LOGIN);
}

static void lost_daemon(struct supervisor *s)
{
	bus_forget_daemon(&s->bus);
	node_capability_forget(s);
	heartbeat_stop(&s->heartbeat);
	contacts_lose(&s->contacts);
	renewal_stop(&s->renewal);
	store_recovery_pause(&s->recovery);
	login_forget_daemon(&s->login);
	localapi_cancel(s->gro_call);
	s->gro_call = NULL;
	s->is_configured = false;
	publish_leave(&s->publish);
}

/* Login. */

static void decide_login(struct supervisor *s)
{
	login_decide(&s->login);
}

/* Before a key is requested: the daemon has one that it was not started with. */
static bool try_next_key(struct supervisor *s)
{
	if (node_is_booting(s) || !config_source_has_untried_authkey(&s->config))
		return false;
	log_event(EV_CONFIG_RESTART, s->config.mounted.path);
	daemon_restart(s->daemon);
	return true;
}

static void decide_refusal(struct supervisor *s)
{
	login_decide_refusal(&s->login);
}

static void decide_recovery(struct supervisor *s)
{
	login_decide_recovery(&s->login);
}

static void decide_refused(struct supervisor *s)
{
	login_decide_refused(&s->login);
}

static void request_key(struct supervisor *s)
{
	if (!try_next_key(s))
		login_request_key(&s->login);
}

static void show_approval(struct supervisor *s)
{
	login_show_approval(&s->login);
}

static void show_state(struct supervisor *s)
{
	login_show_state(&s->login);
}

static void run_up(struct supervisor *s)
{
	login_run_up(&s->login);
}

static void expect_command_end(struct supervisor *s)
{
	login_expect_command_end(&s->login);
}

static void await_command(struct supervisor *s)
{
	/* A refused login that is tried again takes the node out of Running for a moment. */
	publish_pause(&s->publish);
	login_await_command(&s->login);
}

static void up_done(struct supervisor *s)
{
	login_command_succeeded(&s->login);
	node_post_ipn_state(s);
}

static void up_failed(struct supervisor *s)
{
	login_log_failure(&s->login, "up");
	/* The daemon has no state, so it refuses everything: it is started again as soon as the
	 * place of its state answers. The boot deadline goes on. */
	if (node_is_booting(s) && condition_is_raised(&s->conditions, CONDITION_STATE_STORE_FAILED))
		node_watch_daemon_store(s);
	else if (node_is_booting(s))
		node_end(s, FATAL_BOOT_STEP,
			"failed to auth tailscale: failed to auth tailscale: tailscale up "
			"failed: %s",
			login_failure(&s->login));
	else
		login_retry_later(&s->login);
}

static void start_reissue(struct supervisor *s)
{
	login_start_reissue(&s->login);
}

static void key_issued(struct supervisor *s)
{
	login_key_issued(&s->login);
	if (node_is_booting(s)) {
		log_event(EV_REISSUE_SUCCEEDED);
		node_end(s, FATAL_KEY_REISSUED, NULL);
		return;
	}
	log_event(EV_REISSUE_APPLYING);
	daemon_restart(s->daemon);
}

static void key_failed(struct supervisor *s)
{
	login_key_failed(&s->login);
	if (node_is_booting(s))
		node_end(s, FATAL_BOOT_STEP, "%s", login_failure(&s->login));
	else
		login_retry_later(&s->login);
}

static void cancel_reissue(struct supervisor *s)
{
	login_cancel_reissue(&s->login);
	node_post_ipn_state(s);
}

/* From Running to the steady state. */

static void configure(struct supervisor *s)
{
	s->is_configured = true;
	if (settings_is_two_step_once(s->settings))
		node_store_delete_authkey(&s->store);
	if (!publish_reset_serve(&s->publish))
		node_post(s, NODE_EVENT_STEP_OK);
}

static void run_set(struct supervisor *s)
{
	login_run_set(&s->login);
}

/* The values to set are requested again once the node is Running. */
static void abandon_set(struct supervisor *s)
{
	login_abandon_set(&s->login);
	node_post_ipn_state(s);
}

static void set_failed(struct supervisor *s)
{
	login_log_failure(&s->login, "set");
	if (node_is_booting(s))
		node_end(s, FATAL_BOOT_STEP, "failed to auth tailscale: tailscale set failed: %s",
			login_failure(&s->login));
	if (!s->is_ending)
		configure(s);
}

static void authenticated(struct supervisor *s)
{
	if (condition_is_raised(&s->conditions, CONDITION_NOT_RUNNING))
		log_event(EV_NODE_RUNNING_AGAIN);
	condition_clear(&s->conditions, CONDITION_NOT_RUNNING);
	contacts_greet(&s->contacts);
	login_succeeded(&s->login);
	/* Also a key that was put there later. */
	if (s->is_configured && settings_is_two_step_once(s->settings))
		node_store_delete_authkey(&s->store);
	if (s->is_configured)
		node_post(s, NODE_EVENT_STEP_OK);
	else if (login_wants_set(&s->login))
		node_post(s, NODE_EVENT_WANT_SET);
	else
		configure(s);
}

static void watch_config(struct supervisor *s)
{
	struct confwatch_options options = {s->settings->config_dir, &s->config,
		s->times->debounce_ms, s->times->retry_base_ms, s->times->retry_max_ms};
	struct confwatch_events events = node_events_config(s);
	if (settings_is_one_step(s->settings) && s->confwatch == NULL)
		s->confwatch = confwatch_new(s->loop, s->api, &s->conditions, &options, &events);
}

static void enter_steady(struct supervisor *s)
{
	/* Lost again while the daemon was configured. */
	if (s->bus.facts.ipn_state != IPN_STATE_RUNNING) {
		node_post_ipn_state(s);
		return;
	}
	watch_config(s);
	publish_enter(&s->publish, launch_env(&s->launch));
}

static void left_running(struct supervisor *s)
{
	const char *state = ipn_state_name(s->bus.facts.ipn_state);
	log_event(EV_NODE_LEFT_RUNNING, state);
	condition_raise(&s->conditions, CONDITION_NOT_RUNNING, "tailscaled is in state %s", state);
	publish_pause(&s->publish);
	node_post_ipn_state(s);
}

static const action_fn actions[NODE_ACTION_COUNT] = {
	[NODE_ACTION_KUBE_SETUP] = set_up_store,
	[NODE_ACTION_START_DAEMON] = start_daemon,
	[NODE_ACTION_SUBSCRIBE] = subscribe,
	[NODE_ACTION_SUBSCRIBED] = subscribed,
	[NODE_ACTION_LOST_DAEMON] = lost_daemon,
	[NODE_ACTION_DECIDE_LOGIN] = decide_login,
	[NODE_ACTION_DECIDE_REFUSAL] = decide_refusal,
	[NODE_ACTION_DECIDE_RECOVERY] = decide_recovery,
	[NODE_ACTION_DECIDE_REFUSED] = decide_refused,
	[NODE_ACTION_REQUEST_KEY] = request_key,
	[NODE_ACTION_SHOW_APPROVAL] = show_approval,
	[NODE_ACTION_SHOW_STATE] = show_state,
	[NODE_ACTION_RUN_UP] = run_up,
	[NODE_ACTION_EXPECT_COMMAND_END] = expect_command_end,
	[NODE_ACTION_AWAIT_COMMAND] = await_command,
	[NODE_ACTION_UP_DONE] = up_done,
	[NODE_ACTION_UP_FAILED] = up_failed,
	[NODE_ACTION_REISSUE] = start_reissue,
	[NODE_ACTION_KEY_ISSUED] = key_issued,
	[NODE_ACTION_KEY_FAILED] = key_failed,
	[NODE_ACTION_CANCEL_REISSUE] = cancel_reissue,
	[NODE_ACTION_AUTHENTICATED] = authenticated,
	[NODE_ACTION_RUN_SET] = run_set,
	[NODE_ACTION_CONFIGURE] = configure,
	[NODE_ACTION_SET_FAILED] = set_failed,
	[NODE_ACTION_ABANDON_SET] = abandon_set,
	[NODE_ACTION_ENTER_STEADY] = enter_steady,
	[NODE_ACTION_LEFT_RUNNING] = left_running,
	[NODE_ACTION_STOP_BEGIN] = node_stop_begin,
	[NODE_ACTION_STOP_AWAIT_STATE] = node_stop_await_state,
	[NODE_ACTION_STOP_DAEMON] = node_stop_end_daemon,
	[NODE_ACTION_REMOVE_RULES] = node_stop_remove_rules,
	[NODE_ACTION_FINISH] = node_stop_finish,
};

void node_action_run(struct supervisor *s, enum node_action action)
{
	if (action != NODE_ACTION_NONE)
		actions[action](s);
}
