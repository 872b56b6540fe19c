#include "statestore/store_entries.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void replace(char **to, const char *value)
{
	char *copy = xstrdup(value);
	wipe(*to);
	*to = copy;
}

void store_entries_fini(struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		struct store_entry *en = &s->items[i];
		free(en->key);
		free(en->requires);
		wipe(en->known);
		wipe(en->wanted);
		wipe(en->sent);
		wipe(en->refusal);
	}
	free(s->items);
	s->items = NULL;
	s->len = s->cap = 0;
}

struct store_entry *store_entries_find(const struct store_entries *s, const char *key)
{
	for (size_t i = 0; i < s->len; i++) {
		if (strcmp(s->items[i].key, key) == 0)
			return &s->items[i];
	}
	return NULL;
}

struct store_entry *store_entries_get(struct store_entries *s, const char *key)
{
	struct store_entry *en = store_entries_find(s, key);
	if (en != NULL)
		return en;
	s->items = xgrow(s->items, s->len, &s->cap, 16, sizeof(*s->items));
	s->items[s->len] = (struct store_entry){
		.key = xstrdup(key),
		.backoff = BACKOFF_INIT(s->times.retry_base_ms, s->times.retry_max_ms),
	};
	return &s->items[s->len++];
}

void store_entries_know(struct store_entries *s, const char *key, const char *value)
{
	struct store_entry *en = store_entries_get(s, key);
	replace(&en->known, value);
	en->is_unsure = false;
}

void store_entries_want(struct store_entries *s, const char *key, const char *value)
{
	struct store_entry *en = store_entries_get(s, key);
	bool is_new = !en->is_wanted || !same(en->wanted, value);
	en->is_wanted = true;
	replace(&en->wanted, value);
	if (!is_new || en->refusal == NULL)
		return;
	replace(&en->refusal, NULL);
	backoff_reset(&en->backoff);
	en->due_ms = en->refused_ms + s->times.retry_base_ms;
}

void store_entries_require(struct store_entries *s, const char *key, const char *prerequisite)
{
	replace(&store_entries_get(s, key)->requires, prerequisite);
}

bool store_entry_is_stored(const struct store_entry *en)
{
	return !en->is_wanted || (!en->is_sent && !en->is_unsure && same(en->known, en->wanted));
}

bool store_entries_all_stored(const struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (!store_entry_is_stored(&s->items[i]))
			return false;
	}
	return true;
}

static bool may_be_written(const struct store_entries *s, const struct store_entry *en)
{
	const struct store_entry *first =
		en->requires != NULL ? store_entries_find(s, en->requires) : NULL;
	return first == NULL || store_entry_is_stored(first);
}

static bool is_candidate(const struct store_entries *s, const struct store_entry *en)
{
	return !store_entry_is_stored(en) && may_be_written(s, en);
}

bool store_entries_all_tried(const struct store_entries *s, uint64_t since_ms)
{
	for (size_t i = 0; i < s->len; i++) {
		const struct store_entry *en = &s->items[i];
		bool is_refused = en->refusal != NULL && en->refused_ms >= since_ms;
		if (en->is_sent || (!is_refused && is_candidate(s, en)))
			return false;
	}
	return true;
}

bool store_entries_are_in_doubt(const struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		const struct store_entry *en = &s->items[i];
		if (en->is_alone && en->refusal == NULL && is_candidate(s, en))
			return true;
	}
	return false;
}

const char *store_entries_refusal(const struct store_entries *s)
{
	if (store_entries_are_in_doubt(s))
		return NULL;
	for (size_t i = 0; i < s->len; i++) {
		if (s->items[i].refusal != NULL && is_candidate(s, &s->items[i]))
			return s->items[i].refusal;
	}
	return NULL;
}

/* Of the keys that are written alone, the one that has waited longest; they come first, since each
 * has its own back-off and so lets the others pass. */
static struct store_entry *pick_alone(const struct store_entries *s, uint64_t now_ms)
{
	struct store_entry *picked = NULL;
	for (size_t i = 0; i < s->len; i++) {
		struct store_entry *en = &s->items[i];
		if (en->is_alone && en->due_ms <= now_ms && is_candidate(s, en) &&
			(picked == NULL || en->due_ms < picked->due_ms))
			picked = en;
	}
	return picked;
}

static struct store_change change_of(struct store_entry *en)
{
	en->sent = xstrdup(en->wanted);
	return (struct store_change){en->key, en->sent};
}

size_t store_entries_pick(struct store_entries *s, uint64_t now_ms, struct store_change *changes)
{
	struct store_entry *alone = pick_alone(s, now_ms);
	if (alone != NULL) {
		changes[0] = change_of(alone);
		alone->is_sent = true;
		return 1;
	}
	size_t count = 0;
	for (size_t i = 0; i < s->len; i++) {
		struct store_entry *en = &s->items[i];
		if (!en->is_alone && is_candidate(s, en))
			changes[count++] = change_of(en);
	}
	/* Marked afterwards: keys written together do not wait for each other. */
	for (size_t i = 0, marked = 0; i < s->len && marked < count; i++) {
		s->items[i].is_sent = s->items[i].key == changes[marked].key;
		marked += s->items[i].is_sent;
	}
	return count;
}

uint64_t store_entries_next_due(const struct store_entries *s)
{
	uint64_t due_ms = STORE_ENTRIES_NEVER;
	for (size_t i = 0; i < s->len; i++) {
		const struct store_entry *en = &s->items[i];
		if (is_candidate(s, en) && en->due_ms < due_ms)
			due_ms = en->due_ms;
	}
	return due_ms;
}

void store_entries_hurry(struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		s->items[i].due_ms = 0;
		backoff_reset(&s->items[i].backoff);
	}
}

/* The sent values are no longer in flight. */
static void arrived(struct store_entry *en, bool is_unsure)
{
	replace(&en->sent, NULL);
	en->is_sent = false;
	en->is_unsure = is_unsure;
}

void store_entries_stored(struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		struct store_entry *en = &s->items[i];
		if (!en->is_sent)
			continue;
		replace(&en->known, en->sent);
		replace(&en->refusal, NULL);
		en->is_alone = false;
		en->due_ms = 0;
		backoff_reset(&en->backoff);
		arrived(en, false);
	}
}

void store_entries_failed(struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->items[i].is_sent)
			arrived(&s->items[i], true);
	}
}

static void refuse(struct store_entry *en, const char *reason, uint64_t now_ms, uint64_t pause_ms)
{
	bool is_current = same(en->sent, en->wanted);
	/* A value set meanwhile has not been refused yet. */
	if (!is_current)
		backoff_reset(&en->backoff);
	uint64_t delay = backoff_next(&en->backoff);
	en->refused_ms = now_ms;
	en->due_ms = now_ms + (delay > pause_ms ? delay : pause_ms);
	replace(&en->refusal, is_current ? reason : NULL);
}

void store_entries_refused(
	struct store_entries *s, const char *reason, uint64_t now_ms, uint64_t retry_after_ms)
{
	size_t count = 0;
	for (size_t i = 0; i < s->len; i++)
		count += s->items[i].is_sent;
	for (size_t i = 0; i < s->len; i++) {
		struct store_entry *en = &s->items[i];
		if (!en->is_sent)
			continue;
		en->is_alone = true;
		if (count == 1)
			refuse(en, reason, now_ms, retry_after_ms);
		else
			en->due_ms = now_ms + retry_after_ms;
		arrived(en, true);
	}
}

void store_entries_forget(struct store_entries *s)
{
	for (size_t i = 0; i < s->len; i++)
		replace(&s->items[i].known, NULL);
}
