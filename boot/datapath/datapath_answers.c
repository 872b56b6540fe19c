#include "boot/datapath/datapath_answers.h"

#include "boot/datapath/datapath_partners.h"
#include "boot/settings/times.h"
#include "egress/egress_conditions.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/nft/nft_model.h"

/* Services that wait for the same peers become one status: the pause between two, unless nothing
 * else is waited for. */
#define GATHER_MS 500

static void clear_condition(struct datapath_answers *a)
{
	const struct ipaddr *first;
	if (egress_answers_overdue(&a->targets, &first) > 0)
		return;
	timer_stop(&a->again);
	backoff_reset(&a->pause);
	condition_clear(a->conditions_ref, CONDITION_EGRESS_TARGET_SILENT);
}

static void raise_condition(struct datapath_answers *a)
{
	char text[IPADDR_TEXT_MAX];
	const struct ipaddr *first;
	size_t count = egress_answers_overdue(&a->targets, &first);
	if (count == 0)
		return;
	if (!timer_is_armed(&a->again))
		timer_start(&a->again, backoff_next(&a->pause));
	ipaddr_format(first, text);
	if (count == 1)
		condition_raise(a->conditions_ref, CONDITION_EGRESS_TARGET_SILENT,
			"target %s does not answer a ping through the tunnel", text);
	else
		condition_raise(a->conditions_ref, CONDITION_EGRESS_TARGET_SILENT,
			"target %s (and %zu more) does not answer a ping through the tunnel", text,
			count - 1);
}

static void arm_limit(struct datapath_answers *a)
{
	uint64_t due_ms = egress_answers_due(&a->targets);
	if (due_ms == UINT64_MAX)
		timer_stop(&a->limit);
	else
		timer_start_at(&a->limit, due_ms);
}

static void on_gathered(void *arg)
{
	struct datapath_answers *a = arg;
	a->fn(a->arg);
}

static bool is_answered(const struct egress_answers_target *t)
{
	return t->answer == EGRESS_ANSWER_GIVEN;
}

/* True when there is a new answer. */
static bool read_answers(struct datapath_answers *a)
{
	bool is_changed = false;
	for (size_t i = 0; i < a->targets.count; i++) {
		const struct egress_answers_target *t = &a->targets.items[i];
		if (!is_answered(t) &&
			introduce_state(&a->introduce, &t->address) == INTRODUCE_ANSWERED)
			is_changed |= egress_answers_answered(&a->targets, &t->address);
	}
	return is_changed;
}

static void on_introduced(void *arg)
{
	struct datapath_answers *a = arg;
	if (!read_answers(a))
		return;
	clear_condition(a);
	arm_limit(a);
	if (egress_answers_allow_all(&a->targets))
		timer_start(&a->gathered, 0);
	else if (!timer_is_armed(&a->gathered))
		timer_start(&a->gathered, GATHER_MS);
}

static void on_limit(void *arg)
{
	struct datapath_answers *a = arg;
	bool is_changed = egress_answers_expire(&a->targets, clock_now_ms());
	arm_limit(a);
	if (!is_changed)
		return;
	raise_condition(a);
	timer_start(&a->gathered, 0);
}

/* Those that have answered before are asked for the daemon's sake alone. */
static void ask(struct datapath_answers *a, bool has_new_sessions)
{
	for (size_t i = 0; i < a->targets.count; i++) {
		if (has_new_sessions || !is_answered(&a->targets.items[i]))
			introduce_add(&a->introduce, &a->targets.items[i].address);
	}
	introduce_begin(&a->introduce);
}

static void ask_anew(struct datapath_answers *a)
{
	introduce_stop(&a->introduce);
	ask(a, false);
}

static void on_again(void *arg)
{
	struct datapath_answers *a = arg;
	raise_condition(a);
	if (a->is_running)
		ask_anew(a);
}

void datapath_answers_init(struct datapath_answers *a, const struct datapath_partners *with,
	void (*fn)(void *arg), void *arg)
{
	a->conditions_ref = with->conditions;
	a->targets.limit_ms = with->times->answer_limit_ms;
	a->targets.max = INTRODUCE_MAX;
	a->pause =
		BACKOFF_INIT(with->times->answer_again_base_ms, with->times->answer_again_max_ms);
	a->fn = fn;
	a->arg = arg;
	introduce_init(&a->introduce, with->loop, with->api);
	introduce_observe(&a->introduce, on_introduced, a);
	timer_init(&a->limit, with->loop, on_limit, a);
	timer_init(&a->again, with->loop, on_again, a);
	timer_init(&a->gathered, with->loop, on_gathered, a);
}

void datapath_answers_fini(struct datapath_answers *a)
{
	datapath_answers_lose(a);
	timer_stop(&a->again);
	timer_stop(&a->gathered);
	egress_answers_fini(&a->targets);
}

static void want(struct datapath_answers *a, const struct nft_wanted *w)
{
	struct nft_addresses list = {0};
	for (size_t k = 0; k < NFT_MODEL_FAMILIES; k++) {
		if (w->families[k].catch_all.family != IPADDR_NONE)
			nft_addresses_add(&list, &w->families[k].catch_all);
	}
	for (size_t k = 0; k < w->portmap_count; k++)
		nft_addresses_add(&list, &w->portmaps[k].target);
	egress_answers_want(&a->targets, list.items, list.len, clock_now_ms());
	nft_addresses_fini(&list);
}

/* Whether former targets have taken the place of new ones. */
static bool is_full(const struct datapath_answers *a)
{
	for (size_t i = 0; i < a->targets.count; i++) {
		const struct egress_answers_target *t = &a->targets.items[i];
		if (!is_answered(t) &&
			introduce_state(&a->introduce, &t->address) == INTRODUCE_UNKNOWN)
			return true;
	}
	return false;
}

void datapath_answers_want(struct datapath_answers *a, const struct nft_wanted *w)
{
	want(a, w);
	if (a->is_running) {
		egress_answers_begin(&a->targets, clock_now_ms());
		ask(a, a->is_begun);
		a->is_begun = false;
		if (is_full(a))
			ask_anew(a);
	}
	(void)read_answers(a);
	clear_condition(a);
	arm_limit(a);
}

void datapath_answers_begin(struct datapath_answers *a)
{
	introduce_stop(&a->introduce);
	a->is_running = true;
	a->is_begun = true;
}

void datapath_answers_lose(struct datapath_answers *a)
{
	a->is_running = false;
	introduce_stop(&a->introduce);
	egress_answers_lose(&a->targets);
	timer_stop(&a->limit);
}
