#include "health/readiness.h"

#include <stdlib.h>

#include "health/health.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* Reasons besides the conditions. */
#define FACTS_MAX 5

bool readiness_is_running(const struct readiness_facts *facts)
{
	return facts->is_running ||
	       (facts->was_running && facts->now_ms - facts->not_running_ms <= HEALTH_GRACE_MS);
}

static void add(struct readiness *r, const struct readiness_reason *reason)
{
	r->items[r->count++] = *reason;
}

static bool is_blocking(const struct condition *c, uint64_t now_ms)
{
	switch (c->kind->readiness) {
	case CONDITION_BLOCKS:
		return c->raised;
	case CONDITION_BLOCKS_AFTER_GRACE:
		return c->raised && now_ms - c->since_ms > HEALTH_GRACE_MS;
	case CONDITION_EXPLAINS:
	case CONDITION_WARNS:
		return false;
	}
	return false;
}

static bool has_blocking(const struct condition_set *conditions, uint64_t now_ms)
{
	for (size_t i = 0; i < conditions->count; i++) {
		if (is_blocking(&conditions->items[i], now_ms))
			return true;
	}
	return false;
}

static void add_conditions(struct readiness *r, const struct condition_set *conditions)
{
	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition *c = &conditions->items[i];
		if (!c->raised || c->kind->readiness == CONDITION_WARNS)
			continue;
		add(r, &(struct readiness_reason){
			       c->kind->name, c->reason, c->kind->advice, c->since_ms});
	}
}

static void add_pending(struct readiness *r, const struct readiness_facts *facts)
{
	if (!readiness_is_running(facts) && r->count == 0)
		add(r, &(struct readiness_reason){"Starting", "the node is not Running yet",
			       "wait; what is in its way becomes a reason",
			       facts->was_running ? facts->not_running_ms : facts->start_ms});
	if (!facts->has_addresses)
		add(r, &(struct readiness_reason){"NoAddresses",
			       "the node has no tailnet address yet",
			       "it gets one with its login: see the other reasons",
			       facts->addresses_ms});
	if (!facts->path_has_stood)
		add(r, &(struct readiness_reason){"DataPathPending",
			       "the rules of the data path do not stand yet",
			       "they are written when the node is Running and its target is "
			       "known: see the other reasons",
			       facts->start_ms});
	else if (!facts->targets_answered)
		add(r, &(struct readiness_reason){"TargetsPending",
			       "a target in the tailnet has not answered through the tunnel yet",
			       "wait: each is pinged, and one that does not answer is waited for "
			       "for some seconds only",
			       facts->start_ms});
}

void readiness_find(const struct readiness_facts *facts, const struct condition_set *conditions,
	struct readiness *out)
{
	readiness_fini(out);
	bool is_ready = !facts->is_stopping && readiness_is_running(facts) &&
			facts->has_addresses && facts->path_has_stood && facts->targets_answered &&
			!has_blocking(conditions, facts->now_ms);
	if (is_ready)
		return;
	out->items = xcalloc(conditions->count + FACTS_MAX, sizeof(*out->items));
	if (facts->is_stopping)
		add(out, &(struct readiness_reason){"Stopping", "the node is being stopped",
				 "it takes no new traffic", facts->stopping_ms});
	add_conditions(out, conditions);
	add_pending(out, facts);
}

void readiness_fini(struct readiness *r)
{
	free(r->items);
	*r = (struct readiness){0};
}

static void format_since(uint64_t since_ms, uint64_t now_ms, time_t wall, char out[static 32])
{
	struct tm tm;
	time_t since = wall - (time_t)((now_ms - since_ms) / CLOCK_MS_PER_S);
	if (gmtime_r(&since, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

char *readiness_format(const struct readiness *r, uint64_t now_ms, time_t wall)
{
	AUTO(json_freep) struct json *document = json_new_object();
	json_set(document, "ready", json_new_bool(r->count == 0));
	struct json *reasons = r->count > 0 ? json_new_array() : NULL;
	for (size_t i = 0; i < r->count; i++) {
		char since[32];
		struct json *reason = json_new_object();
		format_since(r->items[i].since_ms, now_ms, wall, since);
		json_set_str(reason, "code", r->items[i].code);
		json_set_str(reason, "message", r->items[i].message);
		json_set_str(reason, "since", since);
		json_set_str(reason, "hint", r->items[i].hint);
		json_push(reasons, reason);
	}
	if (reasons != NULL)
		json_set(document, "reasons", reasons);
	return json_print(document);
}
