/*
 * The stop: withdraw Services, make sure of the daemon's state and publish what is left, end the
 * daemon, take the firewall away. One budget for all of it, spent once; each step gets what the
 * later ones can spare.
 */
#include "boot/supervisor.h"

#include "boot/boot_events.h"
#include "boot/login/command.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/datapath/datapath.h"
#include "boot/login/reissue.h"
#include "boot/host/sd_notify.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "egress/drain.h"
#include "health/health.h"
#include "ingress/advertise.h"
#include "ingress/serve.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"

/* What the steps before leave of the budget: a fifth of it, and no more than this. */
#define LATER_SHARE 5
#define DAEMON_SHARE_MS 3000 /* to end after SIGTERM */
#define STATE_SHARE_MS 2000  /* to look at the daemon's state and publish the rest */
/* For the kernel to end a daemon after SIGKILL. */
#define KILL_SHARE_MS 500
/* For the kernel to take our tables away: a few milliseconds, more on a machine that is busy. */
#define RULES_SHARE_MS 1000
/* The rest of the withdrawal: two calls besides the pause. */
#define WITHDRAW_CALLS_MS 2000

static uint64_t time_left(const struct supervisor *s)
{
	uint64_t now = clock_now_ms();
	return s->stop_deadline_ms > now ? s->stop_deadline_ms - now : 0;
}

static uint32_t share(const struct supervisor *s, uint32_t most_ms)
{
	uint64_t part = s->settings->stop_budget_ms / LATER_SHARE;
	return part < most_ms ? (uint32_t)part : most_ms;
}

/* For a step after which reserved_ms must be left. */
static uint32_t left_for_step(const struct supervisor *s, uint32_t reserved_ms)
{
	uint64_t left = time_left(s);
	left = left > reserved_ms ? left - reserved_ms : 0;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

static void on_withdrawn(void *arg, const struct err *err)
{
	struct supervisor *s = arg;
	if (err != NULL)
		log_event(EV_STOP_WITHDRAW_FAILED, err->msg);
	supervisor_post(s, NODE_EVENT_STOP_STEP);
}

static void end_work(struct supervisor *s)
{
	timer_stop(&s->boot_deadline);
	timer_stop(&s->retry);
	timer_stop(&s->refusal);
	command_cancel(s->command);
	s->command = NULL;
	localapi_cancel(s->configure_call);
	s->configure_call = NULL;
	localapi_cancel(s->dns_config);
	s->dns_config = NULL;
	confwatch_free(s->confwatch);
	s->confwatch = NULL;
	if (s->serve != NULL)
		serve_pause(s->serve);
	reissue_free(s->reissue);
	s->reissue = NULL;
}

void shutdown_begin(struct supervisor *s)
{
	s->stop_deadline_ms = clock_now_ms() + s->settings->stop_budget_ms;
	timer_start(&s->stop_budget, s->settings->stop_budget_ms);
	sd_notify_stopping(&s->sd_notify, "stopping");
	/* Probes go on until the end of a node that served; one that never did disappears at
	 * once. */
	if (s->drain != NULL)
		drain_stop(s->drain);
	if (!s->startup_complete)
		listeners_close(s);
	end_work(s);
	if (s->daemon == NULL || !daemon_is_up(s->daemon)) {
		supervisor_post(s, NODE_EVENT_STOP_STEP);
		return;
	}
	uint32_t wanted = s->times->withdraw_settle_ms + WITHDRAW_CALLS_MS;
	uint32_t left = left_for_step(s, share(s, DAEMON_SHARE_MS) + share(s, STATE_SHARE_MS));
	advertise_withdraw(s->advertise, wanted < left ? wanted : left, on_withdrawn, s);
}

static void step_done(struct supervisor *s)
{
	if (--s->stop_waits == 0)
		supervisor_post(s, NODE_EVENT_STOP_STEP);
}

static void on_flushed(void *arg, bool complete)
{
	struct supervisor *s = arg;
	if (!complete)
		log_event(EV_STOP_NOT_PUBLISHED, statestore_describe(s->store));
	step_done(s);
}

static void on_inconsistent(void *arg, const char *place)
{
	(void)arg;
	log_event(EV_STOP_CONSISTENCY_WAIT, place);
}

static void on_consistent(void *arg, const struct err *err)
{
	struct supervisor *s = arg;
	if (err != NULL)
		log_event(EV_STOP_CONSISTENCY_FAILED, err->msg);
	step_done(s);
}

void shutdown_await_state(struct supervisor *s)
{
	if (s->store == NULL || !statestore_is_kept(s->store)) {
		supervisor_post(s, NODE_EVENT_STOP_STEP);
		return;
	}
	uint32_t left = left_for_step(s, share(s, DAEMON_SHARE_MS));
	uint32_t flush = left < s->times->stop_flush_ms ? left : s->times->stop_flush_ms;
	/* A daemon that is gone writes nothing any more that could be waited for. */
	bool has_writer = s->daemon != NULL && daemon_has_process(s->daemon);
	s->stop_waits = has_writer ? 2 : 1;
	statestore_flush(s->store, flush, on_flushed, s);
	if (!has_writer)
		return;
	struct store_consistency_events events = {on_inconsistent, on_consistent, s};
	log_event(EV_STOP_CONSISTENCY_CHECK);
	statestore_await_consistent(s->store, left, &events);
}

void shutdown_stop_daemon(struct supervisor *s)
{
	uint64_t left = time_left(s);
	timer_stop(&s->stop_budget);
	ipnbus_stop(s->bus);
	if (s->store != NULL)
		statestore_cancel_waits(s->store);
	if (s->daemon == NULL) {
		supervisor_post(s, NODE_EVENT_DAEMON_STOPPED);
		return;
	}
	uint64_t term = left > 2 * KILL_SHARE_MS ? left - KILL_SHARE_MS : KILL_SHARE_MS;
	/* A daemon that cannot be ended goes with us, or with the container. */
	timer_start(&s->stop_budget, term + KILL_SHARE_MS);
	daemon_stop(s->daemon, term);
}

static void on_rules_removed(void *arg)
{
	supervisor_post(arg, NODE_EVENT_STOP_STEP);
}

/* Only now: while the daemon runs, and when it does not end, the rules keep its traffic from
 * leaving by another way. */
void shutdown_remove_rules(struct supervisor *s)
{
	if (s->datapath == NULL || !datapath_remove(s->datapath, on_rules_removed, s)) {
		supervisor_post(s, NODE_EVENT_STOP_STEP);
		return;
	}
	timer_start(&s->stop_budget, RULES_SHARE_MS);
}

void shutdown_budget_spent(void *supervisor)
{
	supervisor_post(supervisor, NODE_EVENT_STOP_BUDGET);
}
