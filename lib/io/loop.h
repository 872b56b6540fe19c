/*
 * The event loop: one thread, epoll, level-triggered. Descriptors are watched through sources, time
 * through timers (lib/io/timer.h). A callback never runs the loop again and never blocks.
 *
 * A source belongs to the loop that made it and is removed with loop_source_remove: it is dead at
 * once (its callback is not called again, not even for events of the same batch) and freed after
 * the batch. The caller still owns the descriptor and closes it after removing the source.
 */
#ifndef LIB_IO_LOOP_H
#define LIB_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/base/err.h"

struct loop;
struct loop_source;

/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP as requested, and EPOLLERR, EPOLLHUP at any time except
 * while parked. */
typedef void (*loop_fn)(void *arg, uint32_t events);

struct loop *loop_new(struct err *e) MUST_CHECK;
/* All sources and timers must be removed before; NULL is accepted. */
void loop_free(struct loop *loop);

/* NULL with the error set (-EEXIST: the descriptor is watched already). */
struct loop_source *loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg,
	struct err *e) MUST_CHECK;
/* Changes the set of events. 0 parks the source (back-pressure): its callback is not called at all,
 * not even for EPOLLHUP, until events are requested again. */
void loop_source_set(struct loop_source *source, uint32_t events);
void loop_source_remove(struct loop_source *source); /* NULL is accepted */

/* Runs until loop_stop; a call before the run counts too. Returns 0, or a negative errno when epoll
 * itself fails. */
int loop_run(struct loop *loop, struct err *e) MUST_CHECK;
/* One turn: waits at most timeout_ms (-1 = until something happens) and dispatches first
 * descriptors, then the timers that were due when the wait ended. -EBUSY from within a callback.
 * For tests. */
int loop_turn(struct loop *loop, int timeout_ms, struct err *e) MUST_CHECK;
void loop_stop(struct loop *loop);
/* The longest time that the callbacks of one turn took together, since the start. */
uint64_t loop_longest_turn_ns(const struct loop *loop);
/* After loop_run has failed: asks the kernel for another instance with the same sources, so that
 * the caller can still finish its work. */
int loop_renew(struct loop *loop, struct err *e) MUST_CHECK;

#endif
