#include "lib/localapi/introduce.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "lib/localapi/localapi.h"

/* Between a ping that was not answered and the next. */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 1000
/* How long an answer may take beyond what the last one took: twice that, and twice more for the
 * handshake before the first answer. */
#define ALIVE_PATIENCE_MS 500
/* The same when that is not known. */
#define ALIVE_FIRST_PATIENCE_MS 750
#define PATIENCE_MAX_MS 1500
#define MISSES_OF_A_LOST_ONE 2
/* Between two pings of a watched target, and more for each other one. */
#define WATCH_EVERY_MS 300
#define WATCH_EVERY_MORE_MS 8

static void ping_due(void *arg);

static void on_direct(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	(void)reply;
	(void)err;
	slot->call = NULL;
	ping_due(slot->owner_ref);
}

static void watch(struct introduce *i, struct introduce_target *t, uint64_t until_ms)
{
	t->until_ms = until_ms;
	t->due_ms = clock_now_ms() + WATCH_EVERY_MS + i->count * WATCH_EVERY_MORE_MS;
}

static void count_answer(struct introduce *i, struct introduce_slot *slot)
{
	struct introduce_target *t = slot->target;
	bool is_first = t->state != INTRODUCE_ANSWERED;
	t->state = INTRODUCE_ANSWERED;
	t->answer_ms = (uint32_t)(clock_now_ms() - t->asked_ms) + 1;
	t->is_alive = true;
	t->misses = 0;
	watch(i, t, is_first ? clock_now_ms() + INTRODUCE_WATCH_MS : t->until_ms);
	if (!is_first)
		return;
	slot->call = localapi_ping(
		i->api_ref, &t->address, "disco", LOCALAPI_PING_TIMEOUT_MS, on_direct, slot);
	if (i->on_change != NULL)
		i->on_change(i->change_arg);
}

static void count_failure(struct introduce *i, struct introduce_target *t, const struct err *err)
{
	uint64_t now_ms = clock_now_ms();
	t->due_ms = now_ms + backoff_next(&t->backoff);
	if (t->state == INTRODUCE_ASKING && now_ms >= t->until_ms) {
		t->state = INTRODUCE_SILENT;
		if (i->on_change != NULL)
			i->on_change(i->change_arg);
		return;
	}
	/* A daemon that has ended, or does not know the peer, says nothing about the session. */
	if (!t->is_alive || err->code != -ETIMEDOUT)
		return;
	t->due_ms = now_ms;
	t->misses++;
	if (t->misses == MISSES_OF_A_LOST_ONE && i->on_lost != NULL)
		i->on_lost(i->lost_arg, &t->address);
}

static void on_introduced(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	struct introduce *i = slot->owner_ref;
	(void)reply;
	slot->call = NULL;
	slot->target->is_under_way = false;
	if (err == NULL)
		count_answer(i, slot);
	else
		count_failure(i, slot->target, err);
	ping_due(i);
}

static uint32_t patience_ms(const struct introduce_target *t)
{
	bool is_first = t->state != INTRODUCE_ANSWERED;
	if (!t->is_alive)
		return LOCALAPI_PING_TIMEOUT_MS;
	if (t->answer_ms == 0)
		return ALIVE_FIRST_PATIENCE_MS;
	uint32_t most_ms = ALIVE_PATIENCE_MS + (is_first ? 4 : 2) * t->answer_ms;
	return most_ms < PATIENCE_MAX_MS ? most_ms : PATIENCE_MAX_MS;
}

static void ping(struct introduce_slot *slot, struct introduce_target *t)
{
	t->asked_ms = clock_now_ms();
	if (t->due_ms == 0)
		t->until_ms = t->asked_ms + INTRODUCE_PATIENCE_MS;
	t->is_under_way = true;
	slot->target = t;
	slot->call = localapi_ping(
		slot->owner_ref->api_ref, &t->address, "TSMP", patience_ms(t), on_introduced, slot);
}

static bool is_waiting(const struct introduce_target *t, uint64_t now_ms)
{
	return !t->is_under_way &&
	       (t->state == INTRODUCE_ASKING ||
		       (t->state == INTRODUCE_ANSWERED && now_ms < t->until_ms));
}

/* The one that waits for its ping for the longest time, NULL when none does. */
static struct introduce_target *first_due(struct introduce *i)
{
	uint64_t now_ms = clock_now_ms();
	struct introduce_target *first = NULL;
	for (size_t k = 0; k < i->count; k++) {
		struct introduce_target *t = &i->targets[k];
		if (is_waiting(t, now_ms) && (first == NULL || t->due_ms < first->due_ms))
			first = t;
	}
	return first;
}

static void ping_due(void *arg)
{
	struct introduce *i = arg;
	timer_stop(&i->next);
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		if (i->slots[k].call != NULL)
			continue;
		struct introduce_target *t = first_due(i);
		if (t == NULL)
			return;
		if (t->due_ms > clock_now_ms()) {
			timer_start_at(&i->next, t->due_ms);
			return;
		}
		ping(&i->slots[k], t);
	}
}

void introduce_init(struct introduce *i, struct loop *loop, struct localapi *api)
{
	i->api_ref = api;
	timer_init(&i->next, loop, ping_due, i);
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++)
		i->slots[k].owner_ref = i;
}

void introduce_observe(struct introduce *i, void (*fn)(void *arg), void *arg)
{
	i->on_change = fn;
	i->change_arg = arg;
}

void introduce_report_lost(
	struct introduce *i, void (*fn)(void *arg, const struct ipaddr *target), void *arg)
{
	i->on_lost = fn;
	i->lost_arg = arg;
}

enum introduce_state introduce_state(const struct introduce *i, const struct ipaddr *target)
{
	for (size_t k = 0; k < i->count; k++) {
		if (ipaddr_equal(&i->targets[k].address, target))
			return i->targets[k].state;
	}
	return INTRODUCE_UNKNOWN;
}

/* NULL when it has never answered. */
static struct introduce_alive *find_alive(struct introduce *i, const struct ipaddr *target)
{
	for (size_t k = 0; k < i->alive_count; k++) {
		if (ipaddr_equal(&i->alive[k].address, target))
			return &i->alive[k];
	}
	return NULL;
}

static void add(struct introduce *i, const struct ipaddr *target, bool is_alive)
{
	if (target->family == IPADDR_NONE || i->count == INTRODUCE_MAX ||
		introduce_state(i, target) != INTRODUCE_UNKNOWN)
		return;
	const struct introduce_alive *alive = find_alive(i, target);
	i->targets[i->count++] = (struct introduce_target){
		.address = *target,
		.state = INTRODUCE_ASKING,
		.is_alive = is_alive || alive != NULL,
		.answer_ms = alive != NULL ? alive->answer_ms : 0,
		.backoff = BACKOFF_INIT(PAUSE_MIN_MS, PAUSE_MAX_MS),
	};
}

void introduce_add(struct introduce *i, const struct ipaddr *target)
{
	add(i, target, false);
}

void introduce_add_alive(struct introduce *i, const struct ipaddr *target)
{
	add(i, target, true);
}

void introduce_begin(struct introduce *i)
{
	ping_due(i);
}

static void cancel(struct introduce *i)
{
	timer_stop(&i->next);
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		localapi_cancel(i->slots[k].call);
		i->slots[k].call = NULL;
	}
}

void introduce_again(struct introduce *i)
{
	cancel(i);
	for (size_t k = 0; k < i->count; k++) {
		struct introduce_target *t = &i->targets[k];
		t->state = INTRODUCE_ASKING;
		t->is_under_way = false;
		t->misses = 0;
		t->due_ms = 0;
	}
	ping_due(i);
}

void introduce_watch(struct introduce *i)
{
	uint64_t now_ms = clock_now_ms();
	for (size_t k = 0; k < i->count; k++) {
		struct introduce_target *t = &i->targets[k];
		if (t->state != INTRODUCE_ANSWERED)
			continue;
		if (now_ms >= t->until_ms)
			t->due_ms = now_ms;
		t->until_ms = now_ms + INTRODUCE_WATCH_MS;
	}
	ping_due(i);
}

static void remember(struct introduce *i, const struct introduce_target *t)
{
	struct introduce_alive *alive = find_alive(i, &t->address);
	if (t->state != INTRODUCE_ANSWERED || (alive == NULL && i->alive_count == INTRODUCE_MAX))
		return;
	if (alive == NULL)
		alive = &i->alive[i->alive_count++];
	*alive = (struct introduce_alive){t->address, t->answer_ms};
}

void introduce_stop(struct introduce *i)
{
	cancel(i);
	for (size_t k = 0; k < i->count; k++)
		remember(i, &i->targets[k]);
	i->count = 0;
}
