#include "statestore/statestore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "statestore/statestore_conditions.h"
#include "statestore/store_check.h"

/* Pauses between two looks at the daemon's state: n² × 10 ms, at most 2 s. */
#define LOOK_STEP_MS 10
#define LOOK_MAX_MS 2000
/* Looks that may fail in a row: a stop must not wait for a server that is gone. */
#define LOOK_FAILURES_MAX 3
/* About 2 s of looks: a login that is under way has written its profile by then. */
#define LOOKS_WITHOUT_PROFILE 8

struct entry {
	char *key;
	char *known;    /* what is there, NULL = absent */
	char *wanted;   /* what should be there */
	char *sent;     /* what the write under way makes it */
	char *requires; /* key that must be stored first, NULL = none */
	bool is_wanted; /* wanted was ever told */
	bool is_sent;
	bool is_unsure; /* a write failed, and may have been carried out all the same */
};

struct statestore {
	struct condition_set *conditions_ref;
	struct statestore_backend backend;
	bool is_kept;
	struct entry *entries;
	size_t len, cap;

	bool is_writing;
	bool is_one_by_one; /* a write was refused: what is at fault must not hold up the rest */
	size_t next;        /* then: where to look for the next key */
	struct timer soon;  /* collects what is set in one turn; later: the back-off */
	struct backoff backoff;
	void (*stored_fn)(void *arg);
	void *stored_arg;

	/* flush */
	void (*flush_fn)(void *arg, bool complete);
	void *flush_arg;
	struct timer flush_limit;

	/* consistency */
	struct store_consistency_events look_events;
	bool is_looking; /* wanted; a look may be under way */
	bool has_waited;
	uint32_t looks;
	uint32_t failures; /* in a row */
	struct timer look_pause;
	struct timer look_limit;
	struct err look_failure;
};

static void write_now(void *arg);
static void look(void *arg);

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void replace(char **to, const char *value)
{
	char *copy = xstrdup(value);
	free(*to);
	*to = copy;
}

static struct entry *find(const struct statestore *s, const char *key)
{
	for (size_t i = 0; i < s->len; i++) {
		if (strcmp(s->entries[i].key, key) == 0)
			return &s->entries[i];
	}
	return NULL;
}

/* Borrowed until the next new key. */
static struct entry *entry_of(struct statestore *s, const char *key)
{
	struct entry *en = find(s, key);
	if (en != NULL)
		return en;
	if (s->len == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 16;
		s->entries = xrealloc(s->entries, s->cap, sizeof(*s->entries));
	}
	s->entries[s->len] = (struct entry){.key = xstrdup(key)};
	return &s->entries[s->len++];
}

/* What is on its way counts when it has arrived, also when it is not wanted any more. */
static bool is_stored(const struct entry *en)
{
	return !en->is_wanted || (!en->is_sent && !en->is_unsure && same(en->known, en->wanted));
}

static bool may_be_written(const struct statestore *s, const struct entry *en)
{
	const struct entry *first = en->requires != NULL ? find(s, en->requires) : NULL;
	return first == NULL || is_stored(first);
}

static void finish_flush(struct statestore *s, bool complete)
{
	void (*fn)(void *, bool) = s->flush_fn;
	timer_stop(&s->flush_limit);
	s->flush_fn = NULL;
	if (fn != NULL)
		fn(s->flush_arg, complete);
}

static void settle(struct statestore *s, bool succeeded)
{
	for (size_t i = 0; i < s->len; i++) {
		struct entry *en = &s->entries[i];
		if (en->is_sent && succeeded)
			replace(&en->known, en->sent);
		if (en->is_sent)
			en->is_unsure = !succeeded;
		free(STEAL(en->sent));
		en->is_sent = false;
	}
}

static void on_written(void *arg, const struct err *err, uint64_t retry_after_ms)
{
	struct statestore *s = arg;
	s->is_writing = false;
	settle(s, err == NULL);
	if (err != NULL) {
		uint64_t delay = backoff_next(&s->backoff);
		s->is_one_by_one = s->is_one_by_one || !err_is_transient(err->code);
		condition_raise(s->conditions_ref, CONDITION_STORE_WRITE_FAILED, "%s: %s",
			statestore_describe(s), err->msg);
		timer_start(&s->soon, delay > retry_after_ms ? delay : retry_after_ms);
		return;
	}
	if (!s->is_one_by_one || statestore_is_idle(s)) {
		s->is_one_by_one = false;
		backoff_reset(&s->backoff);
		condition_clear(s->conditions_ref, CONDITION_STORE_WRITE_FAILED);
	}
	/* What waited for this write, and what was set meanwhile, at once. */
	write_now(s);
	if (s->stored_fn != NULL)
		s->stored_fn(s->stored_arg);
	if (s->flush_fn != NULL && statestore_is_idle(s))
		finish_flush(s, true);
}

static void write_now(void *arg)
{
	struct statestore *s = arg;
	if (s->is_writing || !s->is_kept)
		return;
	struct store_change *changes = xcalloc(s->len + 1, sizeof(*changes));
	size_t count = 0;
	size_t first = s->is_one_by_one && s->len > 0 ? s->next % s->len : 0;
	for (size_t i = 0; i < s->len && (count == 0 || !s->is_one_by_one); i++) {
		struct entry *en = &s->entries[(first + i) % s->len];
		if (is_stored(en) || !may_be_written(s, en))
			continue;
		en->sent = xstrdup(en->wanted);
		changes[count++] = (struct store_change){en->key, en->sent};
		s->next = (first + i + 1) % s->len;
	}
	/* Marked afterwards: what goes out together does not wait for each other. */
	for (size_t i = 0, marked = 0; i < s->len && marked < count; i++) {
		struct entry *en = &s->entries[(first + i) % s->len];
		en->is_sent = en->key == changes[marked].key;
		marked += en->is_sent;
	}
	if (count > 0) {
		timer_stop(&s->soon);
		s->is_writing = true;
		s->backend.write(s->backend.self, changes, count, on_written, s);
	}
	free(changes);
}

static void on_flush_limit(void *arg)
{
	struct statestore *s = arg;
	finish_flush(s, statestore_is_idle(s));
}

static void finish_look(struct statestore *s, const struct err *err)
{
	timer_stop(&s->look_pause);
	timer_stop(&s->look_limit);
	s->is_looking = false;
	s->look_events.on_done(s->look_events.arg, err);
}

static void on_look_limit(void *arg)
{
	struct statestore *s = arg;
	if (s->is_kept && s->look_failure.code == 0)
		err_set(&s->look_failure, -ETIMEDOUT, "context deadline exceeded");
	finish_look(s, s->is_kept ? &s->look_failure : NULL);
}

static uint64_t look_pause_ms(uint32_t n)
{
	uint32_t base = n * n * LOOK_STEP_MS;
	/* One draw of a back-off that cannot grow is the base with its jitter. */
	struct backoff jitter = BACKOFF_INIT(base < LOOK_MAX_MS ? base : LOOK_MAX_MS, LOOK_MAX_MS);
	return backoff_next(&jitter);
}

static void on_listed(void *arg, const struct strv *keys, const struct err *err)
{
	struct statestore *s = arg;
	if (!s->is_looking)
		return;
	bool is_absent = err != NULL && err->code == -ENOENT;
	bool is_waiting_for_login = err == NULL && s->looks >= LOOKS_WITHOUT_PROFILE &&
				    store_check_never_logged_in(keys);
	if (is_absent || is_waiting_for_login || (err == NULL && store_check_consistent(keys))) {
		finish_look(s, NULL);
		return;
	}
	s->failures = err != NULL ? s->failures + 1 : 0;
	s->look_failure = err != NULL ? *err : (struct err){0};
	if (s->failures == LOOK_FAILURES_MAX) {
		finish_look(s, &s->look_failure);
		return;
	}
	if (err == NULL && !s->has_waited)
		s->look_events.on_wait(s->look_events.arg, statestore_describe(s));
	s->has_waited = s->has_waited || err == NULL;
	if (s->is_looking)
		timer_start(&s->look_pause, look_pause_ms(++s->looks));
}

static void look(void *arg)
{
	struct statestore *s = arg;
	s->backend.list(s->backend.self, on_listed, s);
}

struct statestore *statestore_new(struct loop *loop, struct condition_set *conditions,
	const struct statestore_backend *backend_take, const struct statestore_times *times)
{
	struct statestore *s = xcalloc(1, sizeof(*s));
	s->conditions_ref = conditions;
	s->is_kept = backend_take != NULL;
	if (s->is_kept)
		s->backend = *backend_take;
	s->backoff = BACKOFF_INIT(times->retry_base_ms, times->retry_max_ms);
	timer_init(&s->soon, loop, write_now, s);
	timer_init(&s->flush_limit, loop, on_flush_limit, s);
	timer_init(&s->look_pause, loop, look, s);
	timer_init(&s->look_limit, loop, on_look_limit, s);
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
	for (size_t i = 0; i < s->len; i++) {
		free(s->entries[i].key);
		free(s->entries[i].known);
		free(s->entries[i].wanted);
		free(s->entries[i].sent);
		free(s->entries[i].requires);
	}
	free(s->entries);
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
	struct entry *en = entry_of(s, key);
	replace(&en->known, value);
	en->is_unsure = false;
}

const char *statestore_value(const struct statestore *s, const char *key)
{
	const struct entry *en = find(s, key);
	if (en == NULL)
		return NULL;
	return en->is_wanted ? en->wanted : en->known;
}

void statestore_set(struct statestore *s, const char *key, const char *value)
{
	if (!s->is_kept)
		return;
	struct entry *en = entry_of(s, key);
	en->is_wanted = true;
	replace(&en->wanted, value);
	/* During a back-off the new value goes with the next try. */
	if (!is_stored(en) && !s->is_writing && !timer_is_armed(&s->soon))
		timer_start(&s->soon, 0);
}

void statestore_require(struct statestore *s, const char *key, const char *prerequisite)
{
	replace(&entry_of(s, key)->requires, prerequisite);
}

bool statestore_is_stored(const struct statestore *s, const char *key)
{
	const struct entry *en = find(s, key);
	return en == NULL || is_stored(en);
}

bool statestore_is_idle(const struct statestore *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (!is_stored(&s->entries[i]))
			return false;
	}
	return true;
}

void statestore_on_stored(struct statestore *s, void (*fn)(void *arg), void *arg)
{
	s->stored_fn = fn;
	s->stored_arg = arg;
}

void statestore_flush(
	struct statestore *s, uint32_t timeout_ms, void (*fn)(void *arg, bool complete), void *arg)
{
	s->flush_fn = fn;
	s->flush_arg = arg;
	timer_start(&s->flush_limit, statestore_is_idle(s) ? 0 : timeout_ms);
	backoff_reset(&s->backoff);
	write_now(s);
}

void statestore_await_consistent(
	struct statestore *s, uint32_t timeout_ms, const struct store_consistency_events *events)
{
	s->look_events = *events;
	s->is_looking = true;
	s->has_waited = false;
	s->looks = 0;
	s->failures = 0;
	s->look_failure = (struct err){0};
	timer_start(&s->look_limit, s->is_kept ? timeout_ms : 0);
	if (s->is_kept)
		look(s);
}

void statestore_cancel_waits(struct statestore *s)
{
	timer_stop(&s->flush_limit);
	timer_stop(&s->look_pause);
	timer_stop(&s->look_limit);
	s->flush_fn = NULL;
	s->is_looking = false;
}
