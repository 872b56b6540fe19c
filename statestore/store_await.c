#include "statestore/store_await.h"

#include <errno.h>

#include "lib/base/backoff.h"
#include "statestore/store_check.h"

/* Pauses between two polls: n² × 10 ms, at most 2 s. */
#define LOOK_STEP_MS 10
#define LOOK_MAX_MS 2000
/* How many polls may fail in a row, and for how long: a stop must not wait for a server that is
 * gone. */
#define LOOK_FAILURES_MAX 3
#define LOOK_ANSWER_MS 2000
/* About 1.4 s of polling, 2.1 s at most: a login that is under way has written its profile by
 * then, and docker kills a container after 10 s. */
#define LOOKS_WITHOUT_PROFILE 7

static void finish(struct store_await *a, const struct err *err)
{
	store_await_cancel(a);
	a->events.on_done(a->events.arg, err);
}

static uint64_t pause_ms(uint32_t n)
{
	uint32_t base = n * n * LOOK_STEP_MS;
	/* A back-off that cannot grow gives the base with its jitter. */
	struct backoff jitter = BACKOFF_INIT(base < LOOK_MAX_MS ? base : LOOK_MAX_MS, LOOK_MAX_MS);
	return backoff_next(&jitter);
}

static bool is_complete(const struct store_await *a, const struct strv *keys, const struct err *err)
{
	if (err != NULL)
		return err->code == -ENOENT;
	return store_check_consistent(keys) ||
	       (a->looks >= LOOKS_WITHOUT_PROFILE && !store_check_has_profile(keys));
}

static void on_listed(void *arg, const struct strv *keys, const struct err *err)
{
	struct store_await *a = arg;
	if (!a->is_active)
		return;
	if (is_complete(a, keys, err)) {
		finish(a, NULL);
		return;
	}
	a->failures = err != NULL ? a->failures + 1 : 0;
	a->failure = err != NULL ? *err : (struct err){0};
	if (a->failures == LOOK_FAILURES_MAX) {
		finish(a, &a->failure);
		return;
	}
	if (err == NULL) {
		timer_stop(&a->answer);
		if (!a->has_waited)
			a->events.on_wait(
				a->events.arg, a->backend_ref->describe(a->backend_ref->self));
		a->has_waited = true;
	}
	if (a->is_active)
		timer_start(&a->pause, pause_ms(++a->looks));
}

static void poll(void *arg)
{
	struct store_await *a = arg;
	if (!timer_is_armed(&a->answer))
		timer_start(&a->answer, LOOK_ANSWER_MS);
	a->backend_ref->list(a->backend_ref->self, on_listed, a);
}

static void on_limit(void *arg)
{
	struct store_await *a = arg;
	if (a->backend_ref != NULL && a->failure.code == 0)
		err_set(&a->failure, -ETIMEDOUT, "context deadline exceeded");
	finish(a, a->backend_ref != NULL ? &a->failure : NULL);
}

static void on_no_answer(void *arg)
{
	struct store_await *a = arg;
	if (a->failure.code == 0)
		err_set(&a->failure, -ETIMEDOUT, "%s: no answer in %d s",
			a->backend_ref->describe(a->backend_ref->self), LOOK_ANSWER_MS / 1000);
	finish(a, &a->failure);
}

void store_await_init(struct store_await *a, struct loop *loop)
{
	*a = (struct store_await){0};
	timer_init(&a->pause, loop, poll, a);
	timer_init(&a->answer, loop, on_no_answer, a);
	timer_init(&a->limit, loop, on_limit, a);
}

void store_await_start(struct store_await *a, const struct statestore_backend *backend_ref,
	uint32_t timeout_ms, const struct store_consistency_events *events)
{
	a->backend_ref = backend_ref;
	a->events = *events;
	a->is_active = true;
	a->has_waited = false;
	a->looks = 0;
	a->failures = 0;
	a->failure = (struct err){0};
	timer_start(&a->limit, backend_ref != NULL ? timeout_ms : 0);
	if (backend_ref != NULL)
		poll(a);
}

void store_await_cancel(struct store_await *a)
{
	timer_stop(&a->pause);
	timer_stop(&a->answer);
	timer_stop(&a->limit);
	a->is_active = false;
}
