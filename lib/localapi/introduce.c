#include "lib/localapi/introduce.h"

#include "lib/base/clock.h"
#include "lib/localapi/localapi.h"

/* Between a ping that was not answered and the next. */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 1000

static void ping_due(void *arg);

static void on_direct(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	(void)reply;
	(void)err;
	slot->call = NULL;
	ping_due(slot->owner_ref);
}

/* Returns whether the target's state is another. */
static bool count_failure(struct introduce_target *t)
{
	uint64_t now_ms = clock_now_ms();
	if (now_ms >= t->until_ms)
		t->state = INTRODUCE_SILENT;
	else
		t->due_ms = now_ms + backoff_next(&t->backoff);
	return t->state == INTRODUCE_SILENT;
}

static void on_introduced(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct introduce_slot *slot = arg;
	struct introduce *i = slot->owner_ref;
	struct introduce_target *t = slot->target;
	bool is_changed = true;
	(void)reply;
	slot->call = NULL;
	t->is_under_way = false;
	if (err != NULL) {
		is_changed = count_failure(t);
	} else {
		t->state = INTRODUCE_ANSWERED;
		slot->call = localapi_ping(i->api_ref, &t->address, "disco", on_direct, slot);
	}
	ping_due(i);
	if (is_changed && i->on_change != NULL)
		i->on_change(i->arg);
}

static void ping(struct introduce_slot *slot, struct introduce_target *t)
{
	if (t->due_ms == 0)
		t->until_ms = clock_now_ms() + INTRODUCE_PATIENCE_MS;
	t->is_under_way = true;
	slot->target = t;
	slot->call =
		localapi_ping(slot->owner_ref->api_ref, &t->address, "TSMP", on_introduced, slot);
}

/* The one that waits for its ping for the longest time, NULL when none does. */
static struct introduce_target *first_due(struct introduce *i)
{
	struct introduce_target *first = NULL;
	for (size_t k = 0; k < i->count; k++) {
		struct introduce_target *t = &i->targets[k];
		if (t->state == INTRODUCE_ASKING && !t->is_under_way &&
			(first == NULL || t->due_ms < first->due_ms))
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
	i->arg = arg;
}

enum introduce_state introduce_state(const struct introduce *i, const struct ipaddr *target)
{
	for (size_t k = 0; k < i->count; k++) {
		if (ipaddr_equal(&i->targets[k].address, target))
			return i->targets[k].state;
	}
	return INTRODUCE_UNKNOWN;
}

void introduce_add(struct introduce *i, const struct ipaddr *target)
{
	if (target->family == IPADDR_NONE || i->count == INTRODUCE_MAX ||
		introduce_state(i, target) != INTRODUCE_UNKNOWN)
		return;
	i->targets[i->count++] = (struct introduce_target){
		.address = *target,
		.state = INTRODUCE_ASKING,
		.backoff = BACKOFF_INIT(PAUSE_MIN_MS, PAUSE_MAX_MS),
	};
}

void introduce_begin(struct introduce *i)
{
	ping_due(i);
}

void introduce_stop(struct introduce *i)
{
	timer_stop(&i->next);
	for (size_t k = 0; k < INTRODUCE_CALLS_MAX; k++) {
		localapi_cancel(i->slots[k].call);
		i->slots[k].call = NULL;
	}
	i->count = 0;
}
