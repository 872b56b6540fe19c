#include "boot/shutdown.h"

#include "boot/boot_events.h"
#include "boot/daemon/daemon.h"
#include "boot/datapath/datapath.h"
#include "boot/publish/publish.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "statestore/statestore.h"

/* Part of the budget that earlier steps must leave: a fifth of it, and no more than this. */
#define LATER_SHARE 5
#define DAEMON_SHARE_MS 3000 /* to end after SIGTERM */
#define STATE_SHARE_MS 2000  /* to check the daemon's state and publish pending values */
/* For the kernel to end a daemon after SIGKILL. */
#define KILL_SHARE_MS 500
/* For the kernel to remove our tables: a few milliseconds, more on a busy machine. */
#define RULES_SHARE_MS 1000
/* The withdrawal without its pause: two calls. A daemon that does not answer gets no more. */
#define WITHDRAW_CALLS_MS 2000

static uint64_t time_left(const struct shutdown *s)
{
	uint64_t now = clock_now_ms();
	return s->deadline_ms > now ? s->deadline_ms - now : 0;
}

static uint32_t share(const struct shutdown *s, uint32_t most_ms)
{
	uint64_t part = s->settings_ref->stop_budget_ms / LATER_SHARE;
	return part < most_ms ? (uint32_t)part : most_ms;
}

/* For a step after which reserved_ms must be left. */
static uint32_t left_for_step(const struct shutdown *s, uint32_t reserved_ms)
{
	uint64_t left = time_left(s);
	left = left > reserved_ms ? left - reserved_ms : 0;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

static void on_budget_spent(void *arg)
{
	struct shutdown *s = arg;
	s->events.on_budget_spent(s->events.arg);
}

void shutdown_init(struct shutdown *s, struct loop *loop, const struct settings *settings,
	const struct times *times, const struct shutdown_events *events)
{
	*s = (struct shutdown){.events = *events, .settings_ref = settings, .times_ref = times};
	timer_init(&s->budget, loop, on_budget_spent, s);
}

void shutdown_begin(struct shutdown *s)
{
	s->deadline_ms = clock_now_ms() + s->settings_ref->stop_budget_ms;
	timer_start(&s->budget, s->settings_ref->stop_budget_ms);
}

void shutdown_stop_clock(struct shutdown *s)
{
	timer_stop(&s->budget);
}

static void on_withdrawn(void *arg, const struct err *err)
{
	struct shutdown *s = arg;
	if (!s->is_withdrawing)
		return;
	s->is_withdrawing = false;
	if (err != NULL)
		log_event(EV_STOP_WITHDRAW_FAILED, err->msg);
	s->events.on_step(s->events.arg);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void shutdown_withdraw(struct shutdown *s, struct publish *publish, bool is_running)
{
	uint32_t left = left_for_step(s, share(s, DAEMON_SHARE_MS) + share(s, STATE_SHARE_MS));
	uint32_t calls = smaller(WITHDRAW_CALLS_MS, left);
	/* A node that is down carries no traffic that could go elsewhere. */
	uint32_t pause = is_running ? smaller(s->times_ref->withdraw_grace_ms, left - calls) : 0;
	s->is_withdrawing = true;
	publish_withdraw(publish, calls, pause, on_withdrawn, s);
}

static void state_step_done(struct shutdown *s)
{
	if (--s->waits == 0)
		s->events.on_step(s->events.arg);
}

static void on_flushed(void *arg, bool complete)
{
	struct shutdown *s = arg;
	if (!complete)
		log_event(EV_STOP_NOT_PUBLISHED, statestore_describe(s->store_ref));
	state_step_done(s);
}

static void on_inconsistent(void *arg, const char *place)
{
	(void)arg;
	log_event(EV_STOP_CONSISTENCY_WAIT, place);
}

static void on_consistent(void *arg, const struct err *err)
{
	struct shutdown *s = arg;
	if (err != NULL)
		log_event(EV_STOP_CONSISTENCY_FAILED, err->msg);
	state_step_done(s);
}

bool shutdown_await_state(struct shutdown *s, struct statestore *store, bool has_daemon)
{
	s->is_withdrawing = false;
	if (store == NULL || !statestore_is_kept(store))
		return false;
	statestore_cancel_waits(store);
	uint32_t left = left_for_step(s, share(s, DAEMON_SHARE_MS));
	uint32_t flush_ms = s->times_ref->stop_flush_ms;
	s->store_ref = store;
	s->waits = has_daemon ? 2 : 1;
	statestore_flush(store, smaller(left, flush_ms), on_flushed, s);
	if (!has_daemon)
		return true;
	struct store_consistency_events events = {on_inconsistent, on_consistent, s};
	log_event(EV_STOP_CONSISTENCY_CHECK);
	statestore_await_consistent(store, left, &events);
	return true;
}

void shutdown_stop_daemon(struct shutdown *s, struct daemon *daemon)
{
	uint64_t left = time_left(s);
	uint64_t term = left > 2 * KILL_SHARE_MS ? left - KILL_SHARE_MS : KILL_SHARE_MS;
	/* A daemon that cannot be ended dies with us, or with the container. */
	timer_start(&s->budget, term + KILL_SHARE_MS);
	daemon_stop(daemon, term);
}

static void on_rules_removed(void *arg)
{
	struct shutdown *s = arg;
	s->events.on_step(s->events.arg);
}

/* Only now: while the daemon runs, and when it does not end, the rules keep its traffic from
 * leaving by another way. */
bool shutdown_remove_rules(struct shutdown *s, struct datapath *datapath)
{
	if (datapath == NULL)
		return false;
	datapath_remove(datapath, on_rules_removed, s);
	timer_start(&s->budget, RULES_SHARE_MS);
	return true;
}
