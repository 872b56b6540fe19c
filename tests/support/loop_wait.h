/*
 * Waiting in tests: runs turns of the loop until a condition holds or a deadline of real time
 * passes, so that no test waits for a fixed time.
 *
 *	assert_true(loop_wait(loop, has_exited, &child, LOOP_WAIT_MS));
 */
#ifndef TESTS_SUPPORT_LOOP_WAIT_H
#define TESTS_SUPPORT_LOOP_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/io/loop.h"

/* Generous: reached only when a test fails, also on a loaded machine. */
#define LOOP_WAIT_MS 20000

typedef bool (*loop_wait_fn)(void *arg);

/* True as soon as the condition holds; false when it does not within limit_ms of the kernel's clock
 * (independent of the replaced clock) or when the loop fails. */
bool loop_wait(struct loop *loop, loop_wait_fn condition, void *arg, uint64_t limit_ms);

/* Conditions of common kind. */
bool loop_wait_flag(struct loop *loop, const bool *flag, uint64_t limit_ms);
/* The counter has reached at least the target. */
bool loop_wait_count(
	struct loop *loop, const unsigned int *counter, unsigned int target, uint64_t limit_ms);

/* Turns that handle only what is ready, until limit_ms have passed and everything that was
 * ready is done: to prove that something does not happen. False when the loop fails. */
bool loop_wait_idle(struct loop *loop, uint64_t limit_ms);

#endif
