#include "boot/node_login.h"

#include <stdlib.h>
#include <string.h>

#include "boot/boot_conditions.h"
#include "boot/boot_events.h"
#include "boot/config/config_conditions.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_events.h"
#include "boot/settings/args.h"
#include "boot/login/command.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/config/daemon_config.h"
#include "boot/login/login_reason.h"
#include "boot/login/reissue.h"
#include "boot/settings/settings.h"
#include "boot/supervisor.h"
#include "boot/settings/times.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static void remember_failure_take(struct supervisor *s, char *text_take)
{
	free(s->login_failure);
	s->login_failure = text_take;
}

static void on_command_done(void *arg, const char *said, const struct err *err)
{
	struct supervisor *s = arg;
	const struct condition_kind *code;
	s->command = NULL;
	if (err == NULL) {
		supervisor_post(s, NODE_EVENT_COMMAND_OK);
		return;
	}
	AUTO(mem_free) char *reason = login_reason_of_command(said, &code);
	/* The daemon's words before the tool's: one cause, one text. */
	if (reason != NULL && !condition_is_raised(&s->conditions, code))
		node_raise_login_reason(s, code, reason);
	remember_failure_take(
		s, reason != NULL ? xasprintf("%s: %s", err->msg, reason) : xstrdup(err->msg));
	supervisor_post(s, NODE_EVENT_COMMAND_FAILED);
}

static void run_command(struct supervisor *s, struct strv *args)
{
	struct err e;
	s->command = command_run(s->procs, args, &s->mask, on_command_done, s, &e);
	if (s->command == NULL) {
		remember_failure_take(s, xstrdup(e.msg));
		supervisor_post(s, NODE_EVENT_COMMAND_FAILED);
	}
}

static bool has_credentials(const struct supervisor *s)
{
	const struct settings *settings = s->settings;
	return secret_is_set(&settings->authkey) || secret_is_set(&s->stored_authkey) ||
	       secret_is_set(&settings->client_secret) || settings->client_id[0] != '\0' ||
	       s->has_extra_credentials;
}

void node_run_up(struct supervisor *s)
{
	AUTO(strv_wipe) struct strv args = {0};
	log_event(EV_NODE_UP);
	s->up_ran = true;
	s->is_waiting_for_human = !has_credentials(s);
	if (s->is_waiting_for_human && s->ipn_state == IPN_STATE_NEEDS_LOGIN)
		node_raise_login_reason(s, CONDITION_KEY_MISSING,
			"no auth key was given: waiting for a login by hand");
	args_tailscale_up(s->settings, &s->stored_authkey, &args);
	run_command(s, &args);
}

void node_run_set(struct supervisor *s)
{
	AUTO(strv_wipe) struct strv args = {0};
	log_event(EV_NODE_SET);
	s->set_ran = true;
	args_tailscale_set(s->settings, &args);
	run_command(s, &args);
}

void node_up_done(struct supervisor *s)
{
	s->is_waiting_for_human = false;
	node_post_ipn_state(s);
}

static void try_again_later(struct supervisor *s)
{
	if (s->logged_in_once && !timer_is_armed(&s->retry))
		timer_start(&s->retry, backoff_next(&s->login_backoff));
}

void node_up_failed(struct supervisor *s)
{
	log_event(EV_NODE_COMMAND_FAILED, "up", s->login_failure);
	if (supervisor_is_booting(s)) {
		supervisor_end(s, FATAL_BOOT_STEP,
			"failed to auth tailscale: failed to auth tailscale: tailscale up "
			"failed: %s",
			s->login_failure);
		return;
	}
	try_again_later(s);
}

void node_set_failed(struct supervisor *s)
{
	log_event(EV_NODE_COMMAND_FAILED, "set", s->login_failure);
	if (supervisor_is_booting(s))
		supervisor_end(s, FATAL_BOOT_STEP,
			"failed to auth tailscale: tailscale set failed: %s", s->login_failure);
}

/* In one-step mode the daemon logs in by itself: what can be done is to ask for another key,
 * after a grace, because the state and the warning flicker while a login is under way. */
static void judge_one_step(struct supervisor *s)
{
	if (!timer_is_armed(&s->refusal))
		timer_start(&s->refusal, s->times->refusal_grace_ms);
}

/* Whether some reason stands already why the node is not logged in. */
static bool login_is_explained(const struct supervisor *s)
{
	return condition_first_raised(&s->conditions, CONDITION_GROUP_LOGIN) != NULL;
}

void node_refusal_due(void *supervisor)
{
	struct supervisor *s = supervisor;
	bool needs_login = s->ipn_state == IPN_STATE_NEEDS_LOGIN;
	if (s->state != NODE_STATE_AUTH || (!needs_login && !s->login_warning))
		return;
	/* A new key is no cure while control is away; the daemon tries again by itself. */
	if (s->control_is_away) {
		timer_start(&s->refusal, s->times->refusal_grace_ms);
		return;
	}
	if (s->has_kube_store) {
		supervisor_post(s, NODE_EVENT_KEY_REFUSED);
		return;
	}
	if (!needs_login)
		return;
	if (!login_is_explained(s))
		condition_raise(&s->conditions, CONDITION_KEY_MISSING,
			"tailscaled started with a config file, but tailscale is not logged in");
	if (supervisor_is_booting(s))
		supervisor_end(s, FATAL_BOOT_STEP,
			"invalid state: tailscaled daemon started with a config file, but "
			"tailscale is not logged in: "
			"ensure you pass a valid auth key in the config file");
}

void node_judge_login(struct supervisor *s)
{
	s->is_waiting_for_human = false;
	if (settings_is_one_step(s->settings)) {
		judge_one_step(s);
		return;
	}
	if (!s->up_ran) {
		supervisor_post(s, NODE_EVENT_WANT_LOGIN);
		return;
	}
	try_again_later(s);
}

void node_judge_refusal(struct supervisor *s)
{
	if (s->ipn_state == IPN_STATE_NEEDS_LOGIN)
		log_event(EV_REISSUE_NEEDS_LOGIN);
	else
		log_event(EV_REISSUE_KEY_FAILED);
	supervisor_post(s, NODE_EVENT_WANT_REISSUE);
}

void node_retry_login(void *supervisor)
{
	supervisor_post(supervisor, NODE_EVENT_RETRY);
}

void node_judge_recovery(struct supervisor *s)
{
	bool needs_login = s->ipn_state == IPN_STATE_NEEDS_LOGIN;
	if (!needs_login && s->ipn_state != IPN_STATE_STOPPED)
		return;
	if (!settings_is_one_step(s->settings)) {
		supervisor_post(s, NODE_EVENT_WANT_LOGIN);
		return;
	}
	if (needs_login)
		judge_one_step(s);
	else if (s->confwatch != NULL)
		confwatch_reload(s->confwatch);
	try_again_later(s);
}

void node_show_approval(struct supervisor *s)
{
	s->is_waiting_for_human = true;
	if (!s->shown_approval)
		log_event(EV_NODE_APPROVAL);
	s->shown_approval = true;
	node_raise_login_reason(s, CONDITION_NEEDS_APPROVAL, "the device waits for approval");
}

void node_show_state(struct supervisor *s)
{
	s->is_waiting_for_human = false;
	if (s->ipn_state != s->shown_state)
		log_event(EV_NODE_STATE_WAIT, ipn_state_name(s->ipn_state));
	s->shown_state = s->ipn_state;
	if (s->ipn_state == IPN_STATE_STOPPED)
		try_again_later(s);
}

static void on_reissue_done(void *arg, const struct err *err)
{
	struct supervisor *s = arg;
	if (err != NULL)
		remember_failure_take(s, xstrdup(err->msg));
	supervisor_post(s, err == NULL ? NODE_EVENT_KEY_ISSUED : NODE_EVENT_KEY_FAILED);
}

void node_start_reissue(struct supervisor *s)
{
	struct reissue_options options = {
		.config_path = s->settings->config_path,
		.secret = s->settings->kube_secret,
		.failed_key = &s->config_authkey,
		.limit_ms = s->times->reissue_limit_ms,
		.limit_shown_ms = times_get(false)->reissue_limit_ms,
		.retry_base_ms = s->times->retry_base_ms,
		.retry_max_ms = s->times->retry_max_ms,
	};
	timer_stop(&s->refusal);
	timer_stop(&s->retry);
	condition_raise(
		&s->conditions, CONDITION_KEY_REISSUE_PENDING, "waiting for a new auth key");
	s->reissue = reissue_new(s->loop, s->api, s->kube, s->store, &options, on_reissue_done, s);
}

static void end_reissue(struct supervisor *s)
{
	reissue_free(s->reissue);
	s->reissue = NULL;
}

void node_key_issued(struct supervisor *s)
{
	struct err e;
	end_reissue(s);
	condition_clear(&s->conditions, CONDITION_KEY_REISSUE_PENDING);
	if (supervisor_is_booting(s)) {
		log_event(EV_REISSUE_SUCCEEDED);
		supervisor_end(s, FATAL_KEY_REISSUED, NULL);
		return;
	}
	if (daemon_config_load(s->settings->config_path, &s->config_authkey, &e) < 0)
		condition_raise(&s->conditions, CONDITION_CONFIG_INVALID, "%s", e.msg);
	mask_add(&s->mask, &s->config_authkey);
	log_event(EV_REISSUE_APPLYING);
	daemon_restart(s->daemon);
}

void node_key_failed(struct supervisor *s)
{
	end_reissue(s);
	condition_raise(&s->conditions, CONDITION_KEY_REISSUE_PENDING, "%s", s->login_failure);
	if (supervisor_is_booting(s)) {
		supervisor_end(s, FATAL_BOOT_STEP, "%s", s->login_failure);
		return;
	}
	try_again_later(s);
}

void node_cancel_reissue(struct supervisor *s)
{
	log_event(EV_REISSUE_CANCELLED);
	end_reissue(s);
	condition_clear(&s->conditions, CONDITION_KEY_REISSUE_PENDING);
	node_post_ipn_state(s);
}
