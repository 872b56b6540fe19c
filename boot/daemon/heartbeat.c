#include "boot/daemon/heartbeat.h"

#include <stddef.h>

#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_events.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/localapi/localapi.h"

/* A single one may be an accident. */
#define MISSES_OF_A_MUTE_ONE 2

static void heard(struct heartbeat *h)
{
	if (h->misses == 0)
		return;
	h->misses = 0;
	timer_stop(&h->limit);
	condition_clear(h->conditions_ref, CONDITION_DAEMON_MUTE);
	h->events.on_change(h->events.arg);
}

static void missed(struct heartbeat *h, const struct err *err)
{
	h->misses++;
	if (h->misses == 1) {
		h->since_ms = h->asked_ms;
		h->events.on_change(h->events.arg);
	}
	if (h->misses < MISSES_OF_A_MUTE_ONE)
		return;
	condition_raise(h->conditions_ref, CONDITION_DAEMON_MUTE, "tailscaled does not answer: %s",
		err->msg);
	if (h->misses == MISSES_OF_A_MUTE_ONE)
		timer_start_at(&h->limit, h->since_ms + h->options.mute_limit_ms);
}

static void on_reply(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct heartbeat *h = arg;
	h->call = NULL;
	timer_start_at(&h->next, h->asked_ms + h->options.interval_ms);
	/* A refusal is an answer. */
	if (err == NULL || reply->status != 0)
		heard(h);
	else
		missed(h, err);
}

static void ask(void *arg)
{
	struct heartbeat *h = arg;
	struct localapi_request request = {
		.method = "GET",
		.path = "/localapi/v0/prefs",
		.timeout_ms = h->options.patience_ms,
	};
	h->asked_ms = clock_now_ms();
	h->call = localapi_start(h->api_ref, &request, on_reply, h);
}

static void on_limit(void *arg)
{
	struct heartbeat *h = arg;
	log_event(EV_DAEMON_MUTE, (unsigned long long)(clock_now_ms() - h->since_ms));
	h->events.on_mute(h->events.arg);
}

void heartbeat_init(struct heartbeat *h, struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct heartbeat_options *options,
	const struct heartbeat_events *events)
{
	*h = (struct heartbeat){
		.api_ref = api,
		.conditions_ref = conditions,
		.options = *options,
		.events = *events,
	};
	timer_init(&h->next, loop, ask, h);
	timer_init(&h->limit, loop, on_limit, h);
}

void heartbeat_start(struct heartbeat *h)
{
	heartbeat_stop(h);
	heard(h);
	timer_start(&h->next, h->options.interval_ms);
}

void heartbeat_stop(struct heartbeat *h)
{
	timer_stop(&h->next);
	timer_stop(&h->limit);
	localapi_cancel(h->call);
	h->call = NULL;
}

void heartbeat_heard(struct heartbeat *h)
{
	heard(h);
}

bool heartbeat_is_answered(const struct heartbeat *h)
{
	return h->misses == 0;
}
