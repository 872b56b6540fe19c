#include "controller/engine/engine_queue.h"

#include <stdlib.h>

#include "lib/base/keyed.h"
#include "lib/base/mem.h"

struct entry {
	char *key;
	bool is_queued;
	bool is_running;
	bool is_added; /* while it was running */
	unsigned int failures;
	uint64_t due_ms;    /* while it is in the heap */
	uint64_t order;     /* of delayed keys that are due at the same time */
	size_t heap_index;  /* from 1, 0 = not delayed */
	struct entry *next; /* of the queue */
};

struct engine_queue {
	struct keyed entries;
	struct entry *first, **last;
	size_t ready, running;
	struct entry **heap; /* from index 1 */
	size_t heap_len, heap_cap;
	uint64_t order;
	uint64_t bucket_ms; /* when the bucket would be full again */
};

struct engine_queue *engine_queue_new(void)
{
	struct engine_queue *q = xcalloc(1, sizeof(*q));
	q->last = &q->first;
	return q;
}

static void entry_free(void *item)
{
	struct entry *entry = item;
	free(entry->key);
	free(entry);
}

void engine_queue_free(struct engine_queue *q)
{
	if (q == NULL)
		return;
	keyed_fini(&q->entries, entry_free);
	free(q->heap);
	free(q);
}

static struct entry *entry_of(struct engine_queue *q, const char *key)
{
	struct entry *entry = keyed_find(&q->entries, key);
	if (entry != NULL)
		return entry;
	entry = xcalloc(1, sizeof(*entry));
	entry->key = xstrdup(key);
	keyed_put(&q->entries, entry);
	return entry;
}

/* An entry that says nothing is forgotten. */
static void drop_if_idle(struct engine_queue *q, struct entry *entry)
{
	if (entry->is_queued || entry->is_running || entry->heap_index > 0 || entry->failures > 0)
		return;
	keyed_remove(&q->entries, entry->key);
	entry_free(entry);
}

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void heap_set(struct engine_queue *q, size_t index, struct entry *entry)
{
	q->heap[index] = entry;
	entry->heap_index = index;
}

static void heap_up(struct engine_queue *q, struct entry *entry)
{
	size_t index = entry->heap_index;
	while (index > 1 && is_before(entry, q->heap[index / 2])) {
		heap_set(q, index, q->heap[index / 2]);
		index /= 2;
	}
	heap_set(q, index, entry);
}

static void heap_down(struct engine_queue *q, struct entry *entry)
{
	size_t index = entry->heap_index;
	for (size_t child = index * 2; child <= q->heap_len; child = index * 2) {
		if (child < q->heap_len && is_before(q->heap[child + 1], q->heap[child]))
			child++;
		if (!is_before(q->heap[child], entry))
			break;
		heap_set(q, index, q->heap[child]);
		index = child;
	}
	heap_set(q, index, entry);
}

static struct entry *heap_pop(struct engine_queue *q)
{
	struct entry *first = q->heap[1];
	struct entry *last = q->heap[q->heap_len--];
	first->heap_index = 0;
	if (last != first) {
		heap_set(q, 1, last);
		heap_down(q, last);
	}
	return first;
}

static void heap_push(struct engine_queue *q, struct entry *entry)
{
	q->heap_len++;
	q->heap = xgrow(q->heap, q->heap_len, &q->heap_cap, 16, sizeof(struct entry *));
	heap_set(q, q->heap_len, entry);
	heap_up(q, entry);
}

static void enqueue(struct engine_queue *q, struct entry *entry)
{
	if (entry->is_running) {
		entry->is_added = true;
		return;
	}
	if (entry->is_queued)
		return;
	entry->is_queued = true;
	entry->next = NULL;
	*q->last = entry;
	q->last = &entry->next;
	q->ready++;
}

void engine_queue_add(struct engine_queue *q, const char *key)
{
	enqueue(q, entry_of(q, key));
}

void engine_queue_add_after(
	struct engine_queue *q, const char *key, uint64_t now_ms, uint64_t delay_ms)
{
	if (delay_ms == 0) {
		engine_queue_add(q, key);
		return;
	}
	struct entry *entry = entry_of(q, key);
	uint64_t due_ms = delay_ms < ENGINE_QUEUE_NEVER - 1 - now_ms ? now_ms + delay_ms
								     : ENGINE_QUEUE_NEVER - 1;
	if (entry->heap_index == 0) {
		entry->due_ms = due_ms;
		entry->order = ++q->order;
		heap_push(q, entry);
	} else if (due_ms < entry->due_ms) {
		entry->due_ms = due_ms;
		heap_up(q, entry);
	}
}

static uint64_t backoff_of(unsigned int failures)
{
	uint64_t delay_ms = ENGINE_RETRY_MS;
	for (unsigned int i = 0; i < failures && delay_ms < ENGINE_RETRY_MAX_MS; i++)
		delay_ms *= 2;
	return delay_ms < ENGINE_RETRY_MAX_MS ? delay_ms : ENGINE_RETRY_MAX_MS;
}

/* Of the bucket that all keys share. */
static uint64_t bucket_delay(struct engine_queue *q, uint64_t now_ms)
{
	const uint64_t burst_ms = (uint64_t)(ENGINE_BUCKET_BURST - 1) * ENGINE_BUCKET_MS;
	uint64_t full_ms = q->bucket_ms > now_ms ? q->bucket_ms : now_ms;
	q->bucket_ms = full_ms + ENGINE_BUCKET_MS;
	return full_ms - now_ms > burst_ms ? full_ms - now_ms - burst_ms : 0;
}

uint64_t engine_queue_add_failed(
	struct engine_queue *q, const char *key, uint64_t now_ms, uint64_t asked_ms)
{
	struct entry *entry = entry_of(q, key);
	uint64_t own_ms = backoff_of(entry->failures);
	uint64_t shared_ms = bucket_delay(q, now_ms);
	uint64_t delay_ms = own_ms > shared_ms ? own_ms : shared_ms;
	if (asked_ms > delay_ms)
		delay_ms = asked_ms;
	entry->failures++;
	engine_queue_add_after(q, key, now_ms, delay_ms);
	return delay_ms;
}

void engine_queue_forget(struct engine_queue *q, const char *key)
{
	struct entry *entry = keyed_find(&q->entries, key);
	if (entry == NULL)
		return;
	entry->failures = 0;
	drop_if_idle(q, entry);
}

const char *engine_queue_next(struct engine_queue *q, uint64_t now_ms)
{
	while (q->heap_len > 0 && q->heap[1]->due_ms <= now_ms)
		enqueue(q, heap_pop(q));
	struct entry *entry = q->first;
	if (entry == NULL)
		return NULL;
	q->first = entry->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->ready--;
	entry->is_queued = false;
	entry->is_running = true;
	q->running++;
	return entry->key;
}

void engine_queue_done(struct engine_queue *q, const char *key)
{
	struct entry *entry = keyed_find(&q->entries, key);
	if (entry == NULL || !entry->is_running)
		return;
	entry->is_running = false;
	q->running--;
	bool is_added = entry->is_added;
	entry->is_added = false;
	if (is_added)
		enqueue(q, entry);
	drop_if_idle(q, entry);
}

uint64_t engine_queue_due(const struct engine_queue *q)
{
	return q->heap_len > 0 ? q->heap[1]->due_ms : ENGINE_QUEUE_NEVER;
}

size_t engine_queue_ready(const struct engine_queue *q)
{
	return q->ready;
}

size_t engine_queue_running(const struct engine_queue *q)
{
	return q->running;
}

unsigned int engine_queue_failures(const struct engine_queue *q, const char *key)
{
	const struct entry *entry = keyed_find(&q->entries, key);
	return entry != NULL ? entry->failures : 0;
}
