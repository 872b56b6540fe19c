/*
 * The work queue: keys of objects that are to be looked at, each at most once, by at most one
 * worker at a time. Pure: the caller gives the time and asks when the next key is due.
 *
 * A key that is added while it is queued is queued once. One that is added while it is being
 * handled is queued again when it is done: no addition is lost, none is handled twice at once.
 * These are the rules of client-go's workqueue.
 *
 *	engine_queue_add(q, "Service/default/web");
 *	while ((key = engine_queue_next(q, now)) != NULL) …, engine_queue_done(q, key);
 *	timer_start_at(&t, engine_queue_due(q));
 */
#ifndef CONTROLLER_ENGINE_ENGINE_QUEUE_H
#define CONTROLLER_ENGINE_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_QUEUE_NEVER UINT64_MAX
/* After a failure of a key: doubled from the least to the most. */
#define ENGINE_RETRY_MS 5
#define ENGINE_RETRY_MAX_MS 1000000
/* Of the failures of all keys together: so many at once, then one in this time. */
#define ENGINE_BUCKET_BURST 100
#define ENGINE_BUCKET_MS 100

struct engine_queue;

struct engine_queue *engine_queue_new(void);
void engine_queue_free(struct engine_queue *q); /* NULL is accepted */

/* Keys are copied. */
void engine_queue_add(struct engine_queue *q, const char *key);
/* Later; of several such times the first counts. An addition without delay does not cancel it. */
void engine_queue_add_after(
	struct engine_queue *q, const char *key, uint64_t now_ms, uint64_t delay_ms);
/* After a failure: with back-off, or after the longer time that was asked for. Returns it, in
 * ms. */
uint64_t engine_queue_add_failed(
	struct engine_queue *q, const char *key, uint64_t now_ms, uint64_t asked_ms);
/* The next failure is the first again. */
void engine_queue_forget(struct engine_queue *q, const char *key);

/* The key to handle now, NULL when there is none. Borrowed until engine_queue_done. */
const char *engine_queue_next(struct engine_queue *q, uint64_t now_ms);
void engine_queue_done(struct engine_queue *q, const char *key);

/* When the next delayed key is due. */
uint64_t engine_queue_due(const struct engine_queue *q);
/* Keys that could be handled as of the last engine_queue_next. */
size_t engine_queue_ready(const struct engine_queue *q);
size_t engine_queue_running(const struct engine_queue *q);
/* Failures in a row. */
unsigned int engine_queue_failures(const struct engine_queue *q, const char *key);

#endif
