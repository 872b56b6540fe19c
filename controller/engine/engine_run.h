/*
 * Handles the keys of a queue on the loop: some at once, each with a deadline, each ending in one
 * of four ways.
 *
 *	r = engine_run_new(loop, &options);
 *	engine_run_add(r, "Service/default/web");
 *	in start():  begin; later, or at once: engine_run_finish(r, key, ENGINE_DONE, 0);
 *	in expire(): cancel what is under way for the key; it counts as failed
 */
#ifndef CONTROLLER_ENGINE_ENGINE_RUN_H
#define CONTROLLER_ENGINE_ENGINE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_DEADLINE_MS 60000

struct loop;
struct engine_run;

enum engine_result {
	ENGINE_DONE,   /* as it should be */
	ENGINE_AGAIN,  /* as it should be; again after a time */
	ENGINE_FAILED, /* again with back-off, or after a longer time that was asked for */
	ENGINE_STUCK,  /* not before something changes */
};

struct engine_run_options {
	size_t at_once;       /* keys that are handled at the same time, at least 1 */
	uint32_t deadline_ms; /* 0 = ENGINE_DEADLINE_MS */
	/* The key is borrowed until it is finished. May finish it. */
	void (*start)(void *arg, const char *key);
	/* Its deadline has passed: nothing may be done for it any more, nor may it be finished. */
	void (*expire)(void *arg, const char *key);
	void *arg;
};

/* The options are copied. */
struct engine_run *engine_run_new(struct loop *loop, const struct engine_run_options *options);
void engine_run_free(struct engine_run *r); /* NULL is accepted; no callback is called */
/* Keys are started in a later turn of the loop, never from within a call. */
void engine_run_add(struct engine_run *r, const char *key);
void engine_run_add_after(struct engine_run *r, const char *key, uint64_t delay_ms);
/* Once for each start, unless it has expired. */
void engine_run_finish(
	struct engine_run *r, const char *key, enum engine_result result, uint64_t after_ms);
/* Holds all keys back until it is called with false: no start while caches are not complete, or
 * without the lease. What runs goes on. */
void engine_run_hold(struct engine_run *r, bool holds);
size_t engine_run_ready(const struct engine_run *r);
size_t engine_run_running(const struct engine_run *r);

#endif
