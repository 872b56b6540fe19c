/*
 * Deadlines on the loop: a heap keyed by monotonic time. A timer is embedded in its owner's struct,
 * armed with timer_start and disarmed with timer_stop (which must happen before the memory goes
 * away). It fires once; the callback may start it again.
 */
#ifndef LIB_IO_TIMER_H
#define LIB_IO_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

typedef void (*timer_fn)(void *arg);

struct timer {
	struct loop *loop_ref;
	timer_fn fn;
	void *arg;
	uint64_t deadline_ms;
	uint64_t arm_number; /* timers of one deadline fire in the order of arming */
	size_t heap_index;   /* 1-based, 0 = not armed */
};

void timer_init(struct timer *t, struct loop *loop, timer_fn fn, void *arg);
/* Arms or re-arms. 0 fires in the next turn of the loop, never within the call. */
void timer_start(struct timer *t, uint64_t delay_ms);
/* Arms at an absolute time of clock_now_ms; one that has passed counts as now. */
void timer_start_at(struct timer *t, uint64_t deadline_ms);
void timer_stop(struct timer *t); /* fine when not armed */
bool timer_is_armed(const struct timer *t);

#endif
