#include "tests/support/loop_wait.h"

#include <time.h>

/* Short enough that a condition that depends on a replaced clock, or only on another process, is
 * noticed soon. */
#define SLICE_MS 10
/* More than the steps of a request within this process: on a slow machine the time may be over
 * before they are. */
#define READY_TURNS 50

static uint64_t real_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool loop_wait(struct loop *loop, loop_wait_fn condition, void *arg, uint64_t limit_ms)
{
	uint64_t end_ms = real_now_ms() + limit_ms;
	struct err e = {0};

	while (!condition(arg)) {
		if (real_now_ms() >= end_ms)
			return false;
		if (loop_turn(loop, SLICE_MS, &e) < 0)
			return false;
	}
	return true;
}

static bool is_set(void *arg)
{
	const bool *flag = arg;

	return *flag;
}

bool loop_wait_flag(struct loop *loop, const bool *flag, uint64_t limit_ms)
{
	return loop_wait(loop, is_set, (void *)flag, limit_ms);
}

struct count_target {
	const unsigned int *counter;
	unsigned int target;
};

static bool has_reached(void *arg)
{
	const struct count_target *goal = arg;

	return *goal->counter >= goal->target;
}

bool loop_wait_count(
	struct loop *loop, const unsigned int *counter, unsigned int target, uint64_t limit_ms)
{
	struct count_target goal = {counter, target};

	return loop_wait(loop, has_reached, &goal, limit_ms);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

bool loop_wait_idle(struct loop *loop, uint64_t limit_ms)
{
	uint64_t end_ms = real_now_ms() + limit_ms;
	struct err e;

	(void)loop_wait(loop, never, NULL, limit_ms);
	for (int i = 0; i < READY_TURNS; i++) {
		if (loop_turn(loop, 0, &e) < 0)
			return false;
	}
	return real_now_ms() >= end_ms;
}
