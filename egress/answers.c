#include "egress/answers.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_model.h"

#define TO(answer) EGRESS_ANSWER_##answer

static const enum egress_answer table[EGRESS_ANSWER_COUNT][EGRESS_ANSWER_EVENT_COUNT] = {
	/*                       ASKED        ANSWERED   LIMIT        LOST */
	[TO(UNASKED)] = {TO(AWAITED), TO(GIVEN), TO(UNASKED), TO(UNASKED)},
	[TO(AWAITED)] = {TO(AWAITED), TO(GIVEN), TO(OVERDUE), TO(UNASKED)},
	[TO(GIVEN)] = {TO(GIVEN), TO(GIVEN), TO(GIVEN), TO(GIVEN)},
	[TO(OVERDUE)] = {TO(OVERDUE), TO(GIVEN), TO(OVERDUE), TO(OVERDUE)},
};

enum egress_answer egress_answer_next(enum egress_answer now, enum egress_answer_event event)
{
	return table[now][event];
}

/* True when the answer has changed. */
static bool apply(struct egress_answers_target *t, enum egress_answer_event event)
{
	enum egress_answer before = t->answer;
	t->answer = egress_answer_next(before, event);
	return t->answer != before;
}

static void ask(const struct egress_answers *a, struct egress_answers_target *t, uint64_t now_ms)
{
	if (a->is_running && apply(t, EGRESS_ANSWER_EVENT_ASKED))
		t->due_ms = now_ms + a->limit_ms;
}

void egress_answers_fini(struct egress_answers *a)
{
	free(a->items);
	a->items = NULL;
	a->count = 0;
}

static int compare(const void *a, const void *b)
{
	const struct egress_answers_target *left = a;
	const struct egress_answers_target *right = b;
	return ipaddr_compare(&left->address, &right->address);
}

static struct egress_answers_target *find(
	const struct egress_answers *a, const struct ipaddr *target)
{
	struct egress_answers_target key = {.address = *target};
	if (a->count == 0)
		return NULL;
	return bsearch(&key, a->items, a->count, sizeof(*a->items), compare);
}

/* A service has many ports, and names its target for each of them. */
static size_t fill(struct egress_answers_target *items, const struct ipaddr *list, size_t count)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || ipaddr_compare(&list[i - 1], &list[i]) != 0)
			items[len++].address = list[i];
	}
	if (len > 1)
		qsort(items, len, sizeof(*items), compare);
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (kept == 0 || compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	}
	return kept;
}

void egress_answers_want(
	struct egress_answers *a, const struct ipaddr *list, size_t count, uint64_t now_ms)
{
	struct egress_answers_target *items = xcalloc(count + 1, sizeof(*items));
	size_t len = fill(items, list, count);
	if (len > a->max)
		len = a->max;
	for (size_t i = 0; i < len; i++) {
		const struct egress_answers_target *known = find(a, &items[i].address);
		if (known != NULL)
			items[i] = *known;
		ask(a, &items[i], now_ms);
	}
	free(a->items);
	a->items = items;
	a->count = len;
}

void egress_answers_begin(struct egress_answers *a, uint64_t now_ms)
{
	a->is_running = true;
	for (size_t i = 0; i < a->count; i++)
		ask(a, &a->items[i], now_ms);
}

void egress_answers_lose(struct egress_answers *a)
{
	a->is_running = false;
	for (size_t i = 0; i < a->count; i++)
		(void)apply(&a->items[i], EGRESS_ANSWER_EVENT_LOST);
}

bool egress_answers_answered(struct egress_answers *a, const struct ipaddr *target)
{
	struct egress_answers_target *t = find(a, target);
	return t != NULL && apply(t, EGRESS_ANSWER_EVENT_ANSWERED);
}

bool egress_answers_expire(struct egress_answers *a, uint64_t now_ms)
{
	bool is_changed = false;
	for (size_t i = 0; i < a->count; i++) {
		struct egress_answers_target *t = &a->items[i];
		if (t->answer == EGRESS_ANSWER_AWAITED && t->due_ms <= now_ms)
			is_changed |= apply(t, EGRESS_ANSWER_EVENT_LIMIT);
	}
	return is_changed;
}

uint64_t egress_answers_due(const struct egress_answers *a)
{
	uint64_t due_ms = UINT64_MAX;
	for (size_t i = 0; i < a->count; i++) {
		const struct egress_answers_target *t = &a->items[i];
		if (t->answer == EGRESS_ANSWER_AWAITED && t->due_ms < due_ms)
			due_ms = t->due_ms;
	}
	return due_ms;
}

static bool is_allowed(const struct egress_answers_target *t)
{
	return t->answer == EGRESS_ANSWER_GIVEN || t->answer == EGRESS_ANSWER_OVERDUE;
}

bool egress_answers_allow(const struct egress_answers *a, const struct nft_addresses *targets)
{
	for (size_t i = 0; i < targets->len; i++) {
		const struct egress_answers_target *t = find(a, &targets->items[i]);
		/* Without a rule it carries nothing, and beyond the number it is not asked. */
		if (t != NULL && !is_allowed(t))
			return false;
	}
	return true;
}

bool egress_answers_allow_all(const struct egress_answers *a)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!is_allowed(&a->items[i]))
			return false;
	}
	return true;
}

size_t egress_answers_overdue(const struct egress_answers *a, const struct ipaddr **first)
{
	size_t count = 0;
	*first = NULL;
	for (size_t i = 0; i < a->count; i++) {
		if (a->items[i].answer != EGRESS_ANSWER_OVERDUE)
			continue;
		if (*first == NULL)
			*first = &a->items[i].address;
		count++;
	}
	return count;
}
