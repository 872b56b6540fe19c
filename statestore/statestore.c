#include "statestore/statestore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "statestore/statestore_conditions.h"
#include "statestore/store_await.h"
#include "statestore/store_entries.h"

struct statestore {
	struct condition_set *conditions_ref;
	struct statestore_backend backend;
	bool is_kept;
	struct store_entries entries;

	bool is_writing;
	struct timer soon;      /* the next write: keys set in one turn are written together */
	struct backoff backoff; /* of the place; each refused key has its own */
	struct err failure;     /* why the place does not answer; code 0: it does */
	void (*answered_fn)(void *arg);
	void *answered_arg;

	/* flush */
	void (*flush_fn)(void *arg, bool complete);
	void *flush_arg;
	uint64_t flush_began_ms;
	struct timer flush_limit;

	struct store_await await;
};

static void finish_flush(struct statestore *s, bool complete)
{
	void (*fn)(void *, bool) = s->flush_fn;
	timer_stop(&s->flush_limit);
	s->flush_fn = NULL;
	if (fn != NULL)
		fn(s->flush_arg, complete);
}

static void on_flush_limit(void *arg)
{
	struct statestore *s = arg;
	finish_flush(s, statestore_is_idle(s));
}

static void report(struct statestore *s)
{
	const char *refusal = store_entries_refusal(&s->entries);
	if (s->failure.code != 0)
		condition_raise(
			s->conditions_ref, CONDITION_STORE_WRITE_FAILED, "%s", s->failure.msg);
	else if (refusal != NULL)
		condition_raise(s->conditions_ref, CONDITION_STORE_WRITE_FAILED, "%s", refusal);
	else if (!store_entries_are_in_doubt(&s->entries))
		condition_clear(s->conditions_ref, CONDITION_STORE_WRITE_FAILED);
}

static void write_now(void *arg);

/* The place does not answer: everything is tried again. */
static void on_failed(struct statestore *s, const struct err *err, uint64_t retry_after_ms)
{
	const struct statestore_times *times = &s->entries.times;
	/* A server that answers is spared. */
	s->backoff.max_ms = err->code == -EAGAIN ? times->retry_max_ms : times->away_max_ms;
	uint64_t delay = backoff_next(&s->backoff);
	s->failure = *err;
	store_entries_failed(&s->entries);
	report(s);
	timer_start(&s->soon, delay > retry_after_ms ? delay : retry_after_ms);
}

static void on_decided(struct statestore *s, const struct err *err, uint64_t retry_after_ms)
{
	backoff_reset(&s->backoff);
	s->failure = (struct err){0};
	/* A Secret or folder that is created again is empty. */
	if (err != NULL && err->code == -ENOENT)
		store_entries_forget(&s->entries);
	if (err != NULL)
		store_entries_refused(&s->entries, err->msg, clock_now_ms(), retry_after_ms);
	else
		store_entries_stored(&s->entries);
	report(s);
	/* Keys that waited for this write, or were set meanwhile, are due at once. */
	write_now(s);
}

static void on_written(void *arg, const struct err *err, uint64_t retry_after_ms)
{
	struct statestore *s = arg;
	s->is_writing = false;
	if (err != NULL && err_is_transient(err->code))
		on_failed(s, err, retry_after_ms);
	else
		on_decided(s, err, retry_after_ms);
	if (s->answered_fn != NULL)
		s->answered_fn(s->answered_arg);
	if (s->flush_fn != NULL && store_entries_all_tried(&s->entries, s->flush_began_ms))
		finish_flush(s, statestore_is_idle(s));
}

static void write_now(void *arg)
{
	struct statestore *s = arg;
	if (s->is_writing || !s->is_kept)
		return;
	struct store_change *changes = xcalloc(s->entries.len + 1, sizeof(*changes));
	size_t count = store_entries_pick(&s->entries, clock_now_ms(), changes);
	uint64_t due_ms = store_entries_next_due(&s->entries);
	timer_stop(&s->soon);
	if (count > 0) {
		s->is_writing = true;
		s->backend.write(s->backend.self, changes, count, on_written, s);
	} else if (due_ms != STORE_ENTRIES_NEVER) {
		timer_start_at(&s->soon, due_ms);
	}
	free(changes);
}

struct statestore *statestore_new(struct loop *loop, struct condition_set *conditions,
	const struct statestore_backend *backend_take, const struct statestore_times *times)
{
	struct statestore *s = xcalloc(1, sizeof(*s));
	s->conditions_ref = conditions;
	s->is_kept = backend_take != NULL;
	if (s->is_kept)
		s->backend = *backend_take;
	s->entries.times = *times;
	s->backoff = BACKOFF_INIT(times->retry_base_ms, times->retry_max_ms);
	timer_init(&s->soon, loop, write_now, s);
	timer_init(&s->flush_limit, loop, on_flush_limit, s);
	store_await_init(&s->await, loop);
	return s;
}

void statestore_free(struct statestore *s)
{
	if (s == NULL)
		return;
	statestore_cancel_waits(s);
	timer_stop(&s->soon);
	if (s->is_kept) {
		s->backend.cancel(s->backend.self);
		s->backend.free(s->backend.self);
	}
	store_entries_fini(&s->entries);
	free(s);
}

bool statestore_is_kept(const struct statestore *s)
{
	return s->is_kept;
}

const char *statestore_describe(const struct statestore *s)
{
	return s->is_kept ? s->backend.describe(s->backend.self) : "nowhere";
}

void statestore_known(struct statestore *s, const char *key, const char *value)
{
	store_entries_know(&s->entries, key, value);
}

const char *statestore_value(const struct statestore *s, const char *key)
{
	const struct store_entry *en = store_entries_find(&s->entries, key);
	if (en == NULL)
		return NULL;
	return en->is_wanted ? en->wanted : en->known;
}

void statestore_set(struct statestore *s, const char *key, const char *value)
{
	if (!s->is_kept)
		return;
	store_entries_want(&s->entries, key, value);
	/* While the place does not answer, the new value is written with the next attempt. */
	bool is_away = s->failure.code != 0 && timer_is_armed(&s->soon);
	if (!statestore_is_stored(s, key) && !s->is_writing && !is_away)
		timer_start(&s->soon, 0);
}

void statestore_require(struct statestore *s, const char *key, const char *prerequisite)
{
	store_entries_require(&s->entries, key, prerequisite);
}

bool statestore_is_stored(const struct statestore *s, const char *key)
{
	const struct store_entry *en = store_entries_find(&s->entries, key);
	return en == NULL || store_entry_is_stored(en);
}

bool statestore_is_idle(const struct statestore *s)
{
	return store_entries_all_stored(&s->entries);
}

bool statestore_is_tried(const struct statestore *s)
{
	return store_entries_all_tried(&s->entries, 0);
}

bool statestore_is_away(const struct statestore *s)
{
	return s->failure.code != 0;
}

void statestore_on_answered(struct statestore *s, void (*fn)(void *arg), void *arg)
{
	s->answered_fn = fn;
	s->answered_arg = arg;
}

void statestore_flush(
	struct statestore *s, uint32_t timeout_ms, void (*fn)(void *arg, bool complete), void *arg)
{
	s->flush_fn = fn;
	s->flush_arg = arg;
	s->flush_began_ms = clock_now_ms();
	timer_start(&s->flush_limit, statestore_is_idle(s) ? 0 : timeout_ms);
	backoff_reset(&s->backoff);
	store_entries_hurry(&s->entries);
	write_now(s);
}

void statestore_await_consistent(
	struct statestore *s, uint32_t timeout_ms, const struct store_consistency_events *events)
{
	store_await_start(&s->await, s->is_kept ? &s->backend : NULL, timeout_ms, events);
}

void statestore_cancel_waits(struct statestore *s)
{
	timer_stop(&s->flush_limit);
	s->flush_fn = NULL;
	store_await_cancel(&s->await);
}
