/*
 * The heap under the timers of one loop: the earliest deadline first, among equals the one armed
 * first. Private to loop.c and timer.c. It borrows the timers; it owns only its array.
 */
#ifndef LIB_IO_TIMER_HEAP_H
#define LIB_IO_TIMER_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct timer;

struct timer_heap {
	struct timer **slots; /* slots[1] is the earliest; slots[0] is not used */
	size_t len;           /* timers armed */
	size_t cap;
	uint64_t armed; /* arms so far: numbers the timers in order */
};

/* The heap of a loop; defined by loop.c. */
struct timer_heap *loop_timer_heap(struct loop *loop);

void timer_heap_fini(struct timer_heap *heap);
/* Milliseconds from now to the earliest deadline, 0 when it has passed, -1 without timers. Never
 * more than INT_MAX. */
int timer_heap_wait_ms(const struct timer_heap *heap, uint64_t now_ms);
/* Fires the timers that are due at now_ms and were armed as number `armed` or before. */
void timer_heap_fire(struct timer_heap *heap, uint64_t now_ms, uint64_t armed);

#endif
