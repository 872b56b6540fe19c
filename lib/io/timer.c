#include "lib/io/timer.h"

#include <limits.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/timer_heap.h"

static bool is_before(const struct timer *a, const struct timer *b)
{
	if (a->deadline_ms != b->deadline_ms)
		return a->deadline_ms < b->deadline_ms;
	return a->arm_number < b->arm_number;
}

static void put(struct timer_heap *heap, size_t index, struct timer *t)
{
	heap->slots[index] = t;
	t->heap_index = index;
}

static void sift_up(struct timer_heap *heap, size_t index)
{
	struct timer *t = heap->slots[index];

	while (index > 1 && is_before(t, heap->slots[index / 2])) {
		put(heap, index, heap->slots[index / 2]);
		index /= 2;
	}
	put(heap, index, t);
}

static void sift_down(struct timer_heap *heap, size_t index)
{
	struct timer *t = heap->slots[index];

	for (;;) {
		size_t child = index * 2;

		if (child > heap->len)
			break;
		if (child < heap->len && is_before(heap->slots[child + 1], heap->slots[child]))
			child++;
		if (!is_before(heap->slots[child], t))
			break;
		put(heap, index, heap->slots[child]);
		index = child;
	}
	put(heap, index, t);
}

static void heap_push(struct timer_heap *heap, struct timer *t)
{
	if (heap->len + 1 >= heap->cap) {
		heap->cap = heap->cap ? heap->cap * 2 : 16;
		heap->slots = xrealloc(heap->slots, heap->cap, sizeof(struct timer *));
	}
	heap->len++;
	put(heap, heap->len, t);
	sift_up(heap, heap->len);
}

static void heap_remove(struct timer_heap *heap, struct timer *t)
{
	size_t index = t->heap_index;
	struct timer *last = heap->slots[heap->len];

	t->heap_index = 0;
	heap->len--;
	if (last == t)
		return;
	put(heap, index, last);
	sift_up(heap, index);
	sift_down(heap, last->heap_index);
}

void timer_heap_fini(struct timer_heap *heap)
{
	free(heap->slots);
	*heap = (struct timer_heap){0};
}

int timer_heap_wait_ms(const struct timer_heap *heap, uint64_t now_ms)
{
	if (heap->len == 0)
		return -1;
	uint64_t deadline_ms = heap->slots[1]->deadline_ms;
	if (deadline_ms <= now_ms)
		return 0;
	if (deadline_ms - now_ms > INT_MAX)
		return INT_MAX;
	return (int)(deadline_ms - now_ms);
}

void timer_heap_fire(struct timer_heap *heap, uint64_t now_ms, uint64_t armed)
{
	while (heap->len > 0) {
		struct timer *t = heap->slots[1];

		/* A deadline is never set before the time of arming, so a timer that was armed
		 * meanwhile sorts behind everything that is due: the first such timer ends the
		 * round. */
		if (t->deadline_ms > now_ms || t->arm_number > armed)
			return;
		heap_remove(heap, t);
		t->fn(t->arg);
	}
}

void timer_init(struct timer *t, struct loop *loop, timer_fn fn, void *arg)
{
	*t = (struct timer){.loop_ref = loop, .fn = fn, .arg = arg};
}

static void arm(struct timer *t, uint64_t deadline_ms)
{
	struct timer_heap *heap = loop_timer_heap(t->loop_ref);

	if (t->heap_index != 0)
		heap_remove(heap, t);
	t->deadline_ms = deadline_ms;
	t->arm_number = ++heap->armed;
	heap_push(heap, t);
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
	uint64_t now_ms = clock_now_ms();

	arm(t, delay_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + delay_ms);
}

void timer_start_at(struct timer *t, uint64_t deadline_ms)
{
	uint64_t now_ms = clock_now_ms();

	arm(t, deadline_ms < now_ms ? now_ms : deadline_ms);
}

void timer_stop(struct timer *t)
{
	if (t->heap_index == 0)
		return;
	heap_remove(loop_timer_heap(t->loop_ref), t);
}

bool timer_is_armed(const struct timer *t)
{
	return t->heap_index != 0;
}
