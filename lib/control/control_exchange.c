#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control_internal.h"
#include "lib/control/control_message.h"

#define TRIES 3
#define RETRY_BASE_MS 250
#define RETRY_MAX_MS 2000

struct control_exchange {
	struct control *c;
	struct control_exchange_request what;
	struct control_exchange *next_waiting; /* for a token */
	bool is_waiting;
	uint64_t token_generation; /* of the token that was sent; 0 = none yet */
	bool tried_new_token;
	bool tried_401;
	unsigned int tries;
	struct backoff pause;
	uint64_t deadline_ms;
	struct timer timer; /* the next step, see on_step */
	void (*step)(struct control_exchange *x);
	struct control_transfer *transfer;
	struct control_result result;
	struct err failure;
	control_exchange_fn fn;
	void *arg;
};

struct control_exchange **control_exchange_next(struct control_exchange *x)
{
	return &x->next_waiting;
}

static void exchange_free(struct control_exchange *x)
{
	timer_stop(&x->timer);
	control_request_fini(&x->what.request);
	free(x);
}

void control_exchange_cancel(struct control_exchange *x)
{
	if (x == NULL)
		return;
	if (x->is_waiting)
		control_token_leave(x->c, x);
	control_transfer_cancel(x->transfer);
	exchange_free(x);
}

static void deliver(struct control_exchange *x, const struct fetch_reply *reply)
{
	control_exchange_fn fn = x->fn;
	void *arg = x->arg;
	struct control_result result = x->result;
	struct err failure = x->failure;
	bool is_ok = result.outcome == CONTROL_OK;
	exchange_free(x);
	fn(arg, &result, is_ok ? reply : NULL, is_ok ? NULL : &failure);
}

static void deliver_failure(struct control_exchange *x)
{
	deliver(x, NULL);
}

static void on_step(void *arg)
{
	struct control_exchange *x = arg;
	x->step(x);
}

/* Goes on with a step after a time, which is never longer than all has. */
static void go_on(
	struct control_exchange *x, void (*step)(struct control_exchange *x), uint64_t delay_ms)
{
	x->step = step;
	timer_start(&x->timer, delay_ms);
}

static uint64_t time_left_ms(const struct control_exchange *x)
{
	uint64_t now = clock_now_ms();
	return x->deadline_ms > now ? x->deadline_ms - now : 0;
}

static void fail(struct control_exchange *x, enum control_outcome outcome, uint64_t after_ms,
	const char *why)
{
	x->result = (struct control_result){.outcome = outcome, .retry_after_ms = after_ms};
	err_set(&x->failure, -EAGAIN, "tailnet \"%s\": %s: %s", x->c->name,
		control_operation_text(x->what.operation), why);
	go_on(x, deliver_failure, 0);
}

static void begin(struct control_exchange *x);
static void send_request(struct control_exchange *x);

static bool is_oauth(const struct control_exchange *x)
{
	return !x->what.is_open && x->c->client_id[0] != '\0';
}

/* A refused credential is worth a second try: a token may have been revoked, and Headscale answers
 * the same when its database fails. */
static bool may_try_401(struct control_exchange *x, uint64_t *delay_ms)
{
	struct control *c = x->c;
	if (is_oauth(x) && !x->tried_new_token) {
		x->tried_new_token = true;
		control_token_drop(c, x->token_generation);
		*delay_ms = 0;
		return true;
	}
	if (c->driver->api != CONTROL_API_HEADSCALE_V1 || x->tried_401 ||
		time_left_ms(x) <= c->second_401_ms)
		return false;
	x->tried_401 = true;
	*delay_ms = c->second_401_ms;
	return true;
}

static bool may_repeat(struct control_exchange *x, uint64_t *delay_ms)
{
	bool is_fresh = x->what.list == NULL || control_list_count(x->what.list) == 0;
	if (!control_operation_is_repeatable(x->what.operation) || !is_fresh || x->tries >= TRIES)
		return false;
	*delay_ms = backoff_next(&x->pause);
	return *delay_ms < time_left_ms(x);
}

/* The list has been read as it came; its end is checked here. */
static void check_list(struct control_exchange *x)
{
	struct err e;
	if (x->what.list == NULL || x->result.outcome != CONTROL_OK ||
		control_list_finish(x->what.list, &e) == 0)
		return;
	x->result.outcome = CONTROL_UNAVAILABLE;
	err_set(&x->failure, e.code, "tailnet \"%s\": %s: %s", x->c->name,
		control_operation_text(x->what.operation), e.msg);
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct control_exchange *x = arg;
	uint64_t delay_ms;
	x->transfer = NULL;
	control_classify(x->c, x->what.operation, reply, err, &x->result, &x->failure);
	check_list(x);
	enum control_outcome outcome = x->result.outcome;
	bool again = (outcome == CONTROL_UNAUTHORIZED && may_try_401(x, &delay_ms)) ||
		     (outcome == CONTROL_UNAVAILABLE && may_repeat(x, &delay_ms));
	if (again)
		go_on(x, begin, delay_ms);
	else
		deliver(x, reply);
}

static void fail_waiting(struct control_exchange *x)
{
	control_token_leave(x->c, x);
	x->is_waiting = false;
	fail(x, CONTROL_UNAVAILABLE, 0, "no token in time");
}

static void after_token(struct control_exchange *x)
{
	if (x->result.outcome != CONTROL_OK)
		deliver(x, NULL);
	else if (x->what.is_token_only)
		deliver(x, NULL);
	else
		send_request(x);
}

void control_exchange_token_ready(
	struct control_exchange *x, const struct control_result *failed, const struct err *err)
{
	x->is_waiting = false;
	x->result = failed != NULL ? *failed : (struct control_result){.outcome = CONTROL_OK};
	if (err != NULL)
		x->failure = *err;
	go_on(x, after_token, 0);
}

static void send_request(struct control_exchange *x)
{
	struct control *c = x->c;
	const struct secret *bearer = is_oauth(x) ? &c->token.text : &c->api_key;
	const struct control_transfer_request what = {
		.operation = x->what.operation,
		.request = &x->what.request,
		.bearer = x->what.is_open ? NULL : bearer,
		.list = x->what.list,
		.timeout_ms = (uint32_t)time_left_ms(x),
	};
	x->tries++;
	x->token_generation = c->token.generation;
	if (x->what.list != NULL)
		control_list_reset(x->what.list);
	x->transfer = control_transfer_start(c, &what, on_reply, x);
}

/* It has its place in the queue; the server may have asked for a pause meanwhile. */
static void go(struct control_exchange *x)
{
	uint64_t paused = control_limiter_paused_ms(&x->c->limiter, clock_now_ms());
	if (paused > 0) {
		fail(x, CONTROL_LIMITED, paused, "the server has asked for a pause");
		return;
	}
	if (is_oauth(x) && !control_token_get(x->c, x)) {
		x->is_waiting = true;
		go_on(x, fail_waiting, time_left_ms(x));
		return;
	}
	x->result = (struct control_result){.outcome = CONTROL_OK};
	after_token(x);
}

static void begin(struct control_exchange *x)
{
	uint64_t now = clock_now_ms();
	uint64_t left = time_left_ms(x);
	uint64_t paused = control_limiter_paused_ms(&x->c->limiter, now);
	uint64_t delay = paused > 0 ? UINT64_MAX : control_limiter_place(&x->c->limiter, now, left);
	if (paused > 0)
		fail(x, CONTROL_LIMITED, paused, "the server has asked for a pause");
	else if (delay == UINT64_MAX)
		fail(x, CONTROL_LIMITED, left, "too many requests are waiting");
	else
		go_on(x, go, delay);
}

struct control_exchange *control_exchange_start(
	struct control *c, struct control_exchange_request *what, control_exchange_fn fn, void *arg)
{
	struct control_exchange *x = xcalloc(1, sizeof(*x));
	x->c = c;
	x->what = *what;
	what->request = (struct control_request){0};
	x->fn = fn;
	x->arg = arg;
	x->pause = BACKOFF_INIT(RETRY_BASE_MS, RETRY_MAX_MS);
	x->deadline_ms = clock_now_ms() + c->timeout_ms;
	timer_init(&x->timer, c->loop_ref, on_step, x);
	begin(x);
	return x;
}
